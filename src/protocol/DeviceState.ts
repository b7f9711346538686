/** The durable state of a device actor. */
export interface DeviceState {
  readonly x: number
}
export const isDeviceState = (value: unknown): value is DeviceState => typeof value === "object" && value !== null
