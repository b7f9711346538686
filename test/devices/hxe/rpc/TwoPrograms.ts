/** Two programs that talk: one waits for a message and prints it, the other sends one. */

/** Waits at `app:ping` and prints what comes, and a line end. */
export const consumerText = `
.mailbox [{"target":"app:ping","capacity":64,"mode":"RDWR"}]
.entry main
.text
main:
    LDI32 R1, inbox
    LDI R2, 0
    SVC MBX_OPEN
    LDI32 R2, buffer
    LDI R3, 48
    LDI32 R4, 0xFFFF
    LDI R5, 0
    SVC MBX_RECV
    MOV R3, R1
    LDI R1, 1
    LDI32 R2, buffer
    SVC MOD=4, FN=2
    LDI R1, 1
    LDI32 R2, line
    LDI R3, 1
    SVC MOD=4, FN=2
    LDI R0, 0
    RET
.data
inbox:
    .asciz "app:ping"
line:
    .ascii "\\n"
buffer:
    .zero 48
`

/** Sends one message to it. */
export const producerText = `
.entry main
.text
main:
    LDI32 R1, outbox
    LDI R2, 0
    SVC MBX_OPEN
    LDI32 R2, words
    LDI R3, 18
    LDI R4, 0
    LDI R5, 7
    SVC MBX_SEND
    LDI R0, 0
    RET
.data
outbox:
    .asciz "app:ping"
words:
    .ascii "ping from producer"
`
