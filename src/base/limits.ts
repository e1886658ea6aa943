/** Every queue, buffer, document and retry has its bound here, by name and with its unit. */
export const LIMITS = {
  /** Largest spec, policy or keyset document, bytes. */
  documentSizeBytesMax: 4 * 1024 * 1024,
  /** Keysets of one chain: 4 a rotation. */
  keysetEpochsMax: 4096,
  /** Keys of one file of verification keys. */
  verifyKeysMax: 1024,
  /** Keys of one keyset. */
  keysetKeysMax: 256,
  /** Largest policy pack or authorization policy, bytes: a pack is kept inside a record. */
  policySizeBytesMax: 1024 * 1024,
  /** Record of one policy decision, bytes: what would not fit is refused. */
  policyRecordBytesMax: 3 * 1024 * 1024,
  /** Delegates of one principal. */
  principalDepthMax: 16,
  /** Nested JSON levels (reference/01 §1.1). */
  jsonDepthMax: 127,
  /** YAML aliases in one document. */
  yamlAliasCountMax: 64,
  /** Values of one YAML document and each 16 characters of its texts, aliases expanded. */
  yamlWeightMax: 300_000,
  /** Words, signs and gaps of one YAML document. */
  yamlLexemeCountMax: 60_000,
  /** Largest YAML document, bytes. */
  yamlSizeBytesMax: 1024 * 1024,
  /** Findings about one document that are told, of each severity. */
  specIssueCountMax: 200,
  /** Members of one list of a document that strict mode takes. */
  specListLengthMax: 4096,
  /** Largest signed note, bytes. */
  noteSizeBytesMax: 1024 * 1024,
  /** Signatures of one note: witnesses beyond a log's own keys. */
  noteSignaturesMax: 100,
  /** Signatures of one DSSE envelope, and keys it is held against. */
  dsseSignaturesMax: 32,
  /** Leaves that the host log may be behind its last checkpoint, and how long, ms. */
  logBehindLeavesMax: 256,
  logBehindMsMax: 1_000,
  /** Leaves of the host log that wait in memory for a checkpoint. */
  logPendingLeavesMax: 65_536,
  /** Tiles of a host log that are kept in memory with what was hashed of them, about 100 KiB each. */
  logTilesKeptMax: 64,
  /** Checkpoints of a host log that are kept beside the newest. */
  logHeadsKept: 16,
  /** How often, every 20 ms, a host log is asked for that another program publishes to. */
  logLockLooks: 500,
  /** How often a run begins again to publish to the host log, when other programs are first. */
  logPublishTries: 100,
  /** Leaves of a host log that is held against runs: a bit of memory each, and 32 bytes to read. */
  logHistoryLeavesMax: 2 ** 28,
  /** Longest JSON Lines record, bytes. */
  recordSizeBytesMax: 4 * 1024 * 1024,
  /** One event of the reference's stream, bytes (reference/07 §4). */
  streamEventBytesMax: 1024 * 1024,
  /** Largest audit chain that is read at a start, bytes. */
  auditTrailBytesMax: 256 * 1024 * 1024,
  /** How often, every 20 ms, an audit chain is asked for that another program writes to. */
  auditLockLooks: 500,
  /** Largest `records.jsonl` that is written, and that the offline audit accepts, bytes. */
  recordsSizeBytesMax: 4 * 1024 * 1024 * 1024,
  /** Files of one bundle. */
  bundleFilesMax: 8192,
  /** Kept stdout or stderr per stream, bytes. */
  outputKeptBytesMax: 64 * 1024 * 1024,
  /** Files with kept output per stream of one run: a bundle stays one an audit can read. */
  outputFilesMax: 2048,
  /** stdout or stderr a library call collects, bytes, when the caller sets no limit. */
  outputCollectedBytesMax: 16 * 1024 * 1024,
  /** Output of a spawned process that waits for its reader before the process is made to wait, bytes. */
  outputWaitingBytesMax: 256 * 1024,
  /** One exported artifact, bytes. */
  artifactSizeBytesMax: 1024 * 1024 * 1024,
  /** One artifact of unknown size that is collected before it is uploaded, bytes. */
  uploadCollectedBytesMax: 64 * 1024 * 1024,
  /** All artifacts of one run. */
  artifactCountMax: 1024,
  /** Changes of one workspace. */
  workspaceChangesMax: 100_000,
  /** List of a workspace's upper folder, bytes. */
  workspaceListBytesMax: 64 * 1024 * 1024,
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
  /** How long the consumer of a command that was ended may take to read its last output, ms. */
  outputDrainMs: 2_000,
  /** Default time between SIGTERM and SIGKILL, ms. */
  graceMsDefault: 10_000,
  /** Events of one cell that a projection holds back because they came too early. */
  heldEventsMax: 256,
  /** Payload of one journal record, bytes. */
  journalPayloadBytesMax: 4 * 1024 * 1024,
  /** Records of one group commit of the journal; a position in a group has 16 bits. */
  journalGroupRecordsMax: 4096,
  /** One group commit of the journal, bytes. */
  journalGroupBytesMax: 8 * 1024 * 1024,
  /** Smallest and largest size of a journal segment, bytes. */
  journalSegmentBytesMin: 4096,
  journalSegmentBytesMax: 1024 * 1024 * 1024,
  /** Size of a journal segment when none is asked for, bytes. */
  journalSegmentBytesDefault: 16 * 1024 * 1024,
  /** What every segment keeps free for urgent records, bytes, when nothing else is asked for. */
  journalReserveBytesDefault: 64 * 1024,
  /** A segment is made this large, bytes, and grows by as much as it has, at most `journalGrowthBytesMax` at once. */
  journalFirstBytes: 256 * 1024,
  journalGrowthBytesMax: 4 * 1024 * 1024,
  /** Payloads that wait for a group commit, bytes. */
  journalWaitingBytesMax: 64 * 1024 * 1024,
  /** Read from a segment at once, bytes. */
  journalReadBytes: 256 * 1024,
  /** A small file of the journal: an epoch, a cursor, the content of an own record, bytes. */
  journalSmallBytesMax: 4096,
  /** Named cursors of one journal. */
  journalCursorsMax: 256,
  /** How often a start tries to take a journal over while others do the same. */
  journalClaimTries: 16,
  /** Longest time to live of a cell, seconds. */
  ttlSecondsMax: 31 * 24 * 3600,
} as const;
