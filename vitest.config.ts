import { defineConfig } from "vitest/config"

// Files run in processes of their own: a suite that kills nodes or leaves a handle open harms no other.
// Two of them, because several suites start PostgreSQL and the clocks of the rest must not starve.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    coverage: { provider: "v8", include: ["src/**", "devices/**"], reporter: ["text-summary", "html"] }
  }
})
