/** Every queue, buffer, document and retry has its bound here, by name and with its unit. */
export const LIMITS = {
  /** Largest spec, policy or keyset document, bytes. */
  documentSizeBytesMax: 4 * 1024 * 1024,
  /** Nested JSON levels (reference/01 §1.1). */
  jsonDepthMax: 127,
  /** YAML alias expansions. */
  yamlAliasCountMax: 64,
  /** Longest JSON Lines record, bytes. */
  recordSizeBytesMax: 4 * 1024 * 1024,
  /** Largest `records.jsonl` the offline audit accepts, bytes. */
  recordsSizeBytesMax: 4 * 1024 * 1024 * 1024,
  /** Kept stdout or stderr per stream, bytes. */
  outputKeptBytesMax: 64 * 1024 * 1024,
  /** One exported artifact, bytes. */
  artifactSizeBytesMax: 1024 * 1024 * 1024,
  /** All artifacts of one run. */
  artifactCountMax: 1024,
  /** One secret value, bytes. */
  secretSizeBytesMax: 64 * 1024,
  /** One request line of the secret socket, bytes. */
  secretRequestBytesMax: 8 * 1024,
  /** Open connections of one secret socket. */
  secretConnectionsMax: 32,
  /** Time a client of the secret socket has to send its line, ms. */
  secretRequestTimeoutMs: 5_000,
  /** Records of uses, and of refusals, of one lease; those beyond are counted in one record at the end. */
  secretLeaseRecordsMax: 100,
  /** One message of the cell helper, bytes. */
  helperMessageBytesMax: 4096,
  /** After SIGKILL, how long processes of the cell may take to be gone, ms. */
  killTimeoutMs: 10_000,
  /** Default time between SIGTERM and SIGKILL, ms. */
  graceMsDefault: 10_000,
  /** Longest time to live of a cell, seconds. */
  ttlSecondsMax: 31 * 24 * 3600,
} as const;
