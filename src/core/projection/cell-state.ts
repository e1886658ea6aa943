/** What the events of one cell say of it, as the reference's projection shows it (reference/02 §7). */
import { canonicalText, compactText } from '../../base/canonical-json.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';

export type LifecycleStage = 'pending' | 'started' | 'commandCompleted' | 'destroyed';
export type IdentityStage = 'unknown' | 'materialized' | 'materializeFailed' | 'revoked' | 'revokeFailed';
export type ExportStage = 'none' | 'completed' | 'failed';
export type CurrentState =
  | ('pending' | 'started' | 'identityReady' | 'identityFailed' | 'commandSucceeded' | 'commandFailed')
  | ('exportSucceeded' | 'exportFailed' | 'destroyed' | 'destroyFailed');

export interface ExportRecord {
  readonly targetKind: string | null;
  readonly targetName: string | null;
  readonly destination: string | null;
  readonly bytesWritten: number | bigint | null;
}

export interface CellState {
  readonly specId: string | null;
  readonly cellId: string | null;
  readonly runId: string | null;
  readonly placement: JsonObject | null;
  readonly lifecycleStage: LifecycleStage;
  readonly identityStage: IdentityStage;
  readonly exportStage: ExportStage;
  readonly commandExitCode: number | null;
  readonly destroyReason: string | null;
  readonly lastError: string | null;
  readonly exports: readonly ExportRecord[];
  readonly processedEvents: number;
}

export const EMPTY_CELL_STATE: CellState = {
  specId: null,
  cellId: null,
  runId: null,
  placement: null,
  lifecycleStage: 'pending',
  identityStage: 'unknown',
  exportStage: 'none',
  commandExitCode: null,
  destroyReason: null,
  lastError: null,
  exports: [],
  processedEvents: 0,
};

export function currentState(state: CellState): CurrentState {
  if (state.lifecycleStage === 'destroyed') return state.destroyReason === null ? 'destroyed' : 'destroyFailed';
  if (state.exportStage !== 'none') return state.exportStage === 'completed' ? 'exportSucceeded' : 'exportFailed';
  if (state.commandExitCode !== null) return state.commandExitCode === 0 ? 'commandSucceeded' : 'commandFailed';
  if (state.identityStage === 'materialized') return 'identityReady';
  if (state.identityStage === 'materializeFailed') return 'identityFailed';
  return state.lifecycleStage === 'started' ? 'started' : 'pending';
}

/** The reference's snapshot, byte for byte: every member, in its order. */
export function snapshotText(state: CellState): string {
  const { specId, cellId, runId, placement, lifecycleStage, identityStage, exportStage, commandExitCode, destroyReason, lastError, processedEvents } = state;
  const exports = state.exports.map(({ targetKind, targetName, destination, bytesWritten }) => jsonObject({ targetKind, targetName, destination, bytesWritten }));
  return compactText(jsonObject({ specId, cellId, runId, placement, lifecycleStage, identityStage, exportStage, currentState: currentState(state), commandExitCode, destroyReason, lastError, exports, processedEvents }));
}

export function samePlacement(a: JsonValue, b: JsonValue): boolean {
  return canonicalText(a) === canonicalText(b);
}
