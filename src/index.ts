/** `cellos`: cells for programs. `cellos/core` has the pure parts, `cellos/ports` the contracts, `cellos/testing` the fakes and contract suites. */
export { CellError, type ErrorCode, isCellError } from './base/errors.ts';
export type { AuditReport, Verdict } from './core/evidence/audit-report.ts';
export type { CellPlan, PlanItem } from './core/plan/plan.ts';
export type { CellFacts, CellFileEntry, CellUsage, TeardownLine } from './ports/cell-backend.ts';
export type { ExportedArtifact } from './runtime/supervisor/export-artifacts.ts';
export type { Ending } from './runtime/supervisor/run-command.ts';
export { Cell, type CellEnd, type CellEnding } from './library/cell.ts';
export { type CommandOptions, type ExecOptions, type ExecResult, type ProcessResult, type SignalName, SpawnedProcess, type SpawnOptions, type StdinSource } from './library/command.ts';
export { type CellEvent, CellEvidence } from './library/evidence.ts';
export { CellFiles, type FileOptions, type ReadOptions } from './library/files.ts';
export type { CellOptions } from './library/options.ts';
export { Output } from './library/output.ts';
export { VERSION } from './version.ts';
