/**
 * `cellos/testing`: fakes that can fail before and after their effect, and one contract suite a port. An adapter of your own runs the suite of
 * its port: `for (const { name, run } of secretBrokerContract(make)) it(name, run)`.
 */
export { cellBackendContract, type CellBackendHarness } from './contracts/cell-backend.ts';
export { clockContract, randomContract, type ClockHarness } from './contracts/clock.ts';
export type { ContractCase } from './contracts/contract.ts';
export { exportSinkContract, type ExportSinkHarness } from './contracts/export-sink.ts';
export { hostLogContract, type HostLogHarness } from './contracts/host-log.ts';
export { journalContract, type JournalHarness } from './contracts/journal.ts';
export { runBundleContract, type RunBundleHarness } from './contracts/run-bundle.ts';
export { secretBrokerContract, type SecretBrokerHarness } from './contracts/secret-broker.ts';
export { secretChannelContract, type SecretChannelHarness } from './contracts/secret-channel.ts';
export { trustFilesContract, type TrustFilesHarness } from './contracts/trust-files.ts';
export { signerContract } from './contracts/signer.ts';
export { workspaceContract, type WorkspaceHarness } from './contracts/workspace.ts';
export { FAKE_PROGRAMS, FakeBackend, FakeCell, type FakeEnd, type FakeIo, type FakeProgram, type FakeStep } from './fake-backend.ts';
export { type FakeBroker, fakeBroker } from './fake-broker.ts';
export { FakeClock, fakeRandom, settled } from './fake-clock.ts';
export { type FakeSigner, fakeSigner } from './fake-signer.ts';
export { type FaultMode, Faults } from './faults.ts';
export { MemoryBundle } from './memory-bundle.ts';
export { MemoryHostLog, MemoryLogStore } from './memory-log.ts';
export { MemoryExport } from './memory-export.ts';
export { MemoryJournal, MemoryJournalPlace } from './memory-journal.ts';
export { fakeDocument, fakeHost, fakePlan } from './plans.ts';
