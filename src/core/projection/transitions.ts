/**
 * One event onto the state of its cell: what it binds, what it has to find, what it changes (reference/02 §7).
 *
 *   L1  steps run in the reference's order, so that the first refusal is the same rule;
 *   L2  a refusal is thrown as `Refusal` with the state as it is by then; whether that counts is the caller's business.
 */
import { isJsonInteger, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { type EventName, EVENTS } from '../events/catalogue.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { type CellState, type ExportRecord, samePlacement } from './cell-state.ts';

/** `order`: the event cannot follow what was seen; `mismatch`: it is about another run; the rest: its data is not what its type demands. */
export type RefusalReason = 'no-data' | 'mismatch' | 'field' | 'order';

export class Refusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type Draft = { -readonly [K in keyof CellState]: CellState[K] };

/** `reference`: the orders it accepts. `observed`: the orders real runs have, too: an identity before the start, an end without one. */
export type Orders = 'reference' | 'observed';

const IN_ORDER = {
  started: EVENTS.started.type,
  identityMaterialized: EVENTS.identityMaterialized.type,
  identityFailed: EVENTS.identityFailed.type,
  identityRevoked: EVENTS.identityRevoked.type,
  commandCompleted: EVENTS.commandCompleted.type,
  exportCompleted: EVENTS.exportCompleted.type,
  exportFailed: EVENTS.exportFailed.type,
  destroyed: EVENTS.destroyed.type,
} as const satisfies Partial<Record<EventName, string>>;

const textOr = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);

function requiredText(event: CloudEvent, data: JsonObject, key: string): string {
  const value = data[key];
  if (typeof value !== 'string') throw new Refusal('field', `the ${key} of ${event.type} is ${value === undefined ? 'missing' : 'not a string'}`);
  return value;
}

function placementOf(value: JsonValue): JsonObject {
  if (!isJsonObject(value)) throw new Refusal('field', 'placement is not an object');
  const members: Record<string, JsonValue | undefined> = {};
  for (const key of ['poolId', 'kubernetesNamespace', 'queueName']) {
    const member = value[key];
    if (member === undefined || member === null) continue;
    if (typeof member !== 'string') throw new Refusal('field', `placement.${key} is not a string`);
    members[key] = member;
  }
  return jsonObject(members);
}

/** The first value of each of them stays. @returns false when the event names no cell at all */
export function bind(draft: Draft, event: CloudEvent): boolean {
  const data = isJsonObject(event.data) ? event.data : jsonObject({});
  if (textOr(data['specId']) === null && textOr(data['cellId']) === null) return false;
  for (const key of ['specId', 'cellId', 'runId'] as const) {
    const observed = textOr(data[key]);
    if (observed === null) continue;
    const existing = draft[key];
    if (existing !== null && existing !== observed) throw new Refusal('mismatch', `${event.type} is about the ${key} ${observed}, the events before it about ${existing}`);
    draft[key] = observed;
  }
  if (data['placement'] === undefined) return true;
  const placement = placementOf(data['placement']);
  if (draft.placement !== null && !samePlacement(draft.placement, placement)) throw new Refusal('mismatch', `${event.type} names another placement than the events before it`);
  draft.placement = placement;
  return true;
}

function outOfOrder(event: CloudEvent, why: string): never {
  throw new Refusal('order', `${event.type} cannot come here: ${why}`);
}

function whileAlive(draft: Draft, event: CloudEvent, orders: Orders): void {
  if (draft.lifecycleStage === 'destroyed') outOfOrder(event, 'the cell is gone');
  if (draft.lifecycleStage === 'pending' && orders === 'reference') outOfOrder(event, 'the cell has not started');
}

function identityFailed(draft: Draft, event: CloudEvent, data: JsonObject): void {
  const operation = requiredText(event, data, 'operation');
  if (operation !== 'materialize' && operation !== 'revoke') throw new Refusal('field', `an identity cannot fail to ${operation}`);
  draft.lastError = requiredText(event, data, 'reason');
  if (operation === 'materialize' && draft.commandExitCode !== null) outOfOrder(event, 'the command is over already');
  draft.identityStage = operation === 'materialize' ? 'materializeFailed' : 'revokeFailed';
}

function commandCompleted(draft: Draft, event: CloudEvent, data: JsonObject): void {
  if (draft.commandExitCode !== null) outOfOrder(event, 'the command is over already');
  if (draft.identityStage === 'materializeFailed') outOfOrder(event, 'the identity could not be obtained');
  const { exitCode } = data;
  if (!isJsonInteger(exitCode) || exitCode < -(2 ** 31) || exitCode >= 2 ** 31) throw new Refusal('field', `the exitCode of ${event.type} is not an integer within i32`);
  draft.commandExitCode = Number(exitCode);
  draft.lifecycleStage = 'commandCompleted';
}

/** The reference looks for the receipt's members beside the receipt, where no event of its own has them. */
function exportRecord(data: JsonObject, orders: Orders): ExportRecord {
  const nested = data['receipt'];
  const from = orders === 'observed' && isJsonObject(nested) ? nested : data;
  const { targetKind, bytesWritten } = from;
  if (targetKind !== undefined && targetKind !== 'local' && targetKind !== 's3' && targetKind !== 'http') throw new Refusal('field', 'targetKind is not local, s3 or http');
  return {
    targetKind: targetKind ?? null,
    targetName: textOr(from['targetName']),
    destination: textOr(from['destination']),
    bytesWritten: isJsonInteger(bytesWritten) && bytesWritten >= 0 ? bytesWritten : null,
  };
}

function afterCommand(draft: Draft, event: CloudEvent): void {
  if (draft.lifecycleStage !== 'commandCompleted') outOfOrder(event, 'the command is not over, or the cell is gone');
}

/** @returns false for a type that changes nothing. @throws Refusal */
export function change(draft: Draft, event: CloudEvent, orders: Orders): boolean {
  const data = isJsonObject(event.data) ? event.data : jsonObject({});
  switch (event.type) {
    case IN_ORDER.started:
      if (draft.lifecycleStage !== 'pending') outOfOrder(event, 'the cell has started already');
      draft.lifecycleStage = 'started';
      return true;
    case IN_ORDER.identityMaterialized:
      whileAlive(draft, event, orders);
      if (draft.identityStage === 'materializeFailed') outOfOrder(event, 'obtaining the identity has failed');
      draft.identityStage = 'materialized';
      return true;
    case IN_ORDER.identityFailed:
      whileAlive(draft, event, orders);
      identityFailed(draft, event, data);
      return true;
    case IN_ORDER.identityRevoked:
      whileAlive(draft, event, orders);
      draft.identityStage = 'revoked';
      return true;
    case IN_ORDER.commandCompleted:
      whileAlive(draft, event, 'reference');
      commandCompleted(draft, event, data);
      return true;
    case IN_ORDER.exportCompleted:
      afterCommand(draft, event);
      draft.exportStage = 'completed';
      draft.exports = [...draft.exports, exportRecord(data, orders)];
      return true;
    case IN_ORDER.exportFailed:
      afterCommand(draft, event);
      draft.exportStage = 'failed';
      draft.lastError = requiredText(event, data, 'reason');
      return true;
    case IN_ORDER.destroyed: {
      if (draft.lifecycleStage === 'pending' && orders === 'reference') outOfOrder(event, 'the cell has not started');
      const reason = textOr(data['reason']);
      draft.lifecycleStage = 'destroyed';
      draft.destroyReason = reason;
      draft.lastError = reason ?? draft.lastError;
      return true;
    }
    default:
      return false;
  }
}
