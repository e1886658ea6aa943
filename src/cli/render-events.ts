/** One readable line an event. Pure. Unknown types are shown with their first plain members, never dropped. */
import { isJsonArray, isJsonObject, JsonFloat, type JsonObject, type JsonValue } from '../base/json.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import type { ViewedRecord } from '../core/projection/viewed-record.ts';
import { bytesText, commandText, durationText, fit, pad, plural, type Style, visible } from './render.ts';

function scalar(value: JsonValue | undefined): string | undefined {
  if (value === null || value === undefined || isJsonArray(value) || isJsonObject(value)) return undefined;
  return visible(String(value instanceof JsonFloat ? value.value : value));
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return isJsonArray(value) ? value : [];
}

function strings(value: JsonValue | undefined): string[] {
  return list(value).filter((item): item is string => typeof item === 'string');
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function size(value: JsonValue | undefined): string {
  return typeof value === 'number' ? bytesText(value) : '?';
}

const REPEATED = new Set(['runId', 'cellId', 'specId', 'correlation', 'provenance', 'placement', 'tenantId']);

function firstMembers(data: JsonObject): string {
  const shown: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    const text = REPEATED.has(key) ? undefined : scalar(value);
    if (text !== undefined && text !== '') shown.push(`${visible(key)}=${text}`);
  }
  return shown.slice(0, 5).join(' ');
}

function identity(data: JsonObject): string {
  const { provider, audience } = object(data['identity']);
  return [scalar(provider), scalar(audience), scalar(data['operation']), scalar(data['reason'])].filter((part) => part !== undefined).join(' ');
}

function exited(data: JsonObject): string {
  const usage = object(data['usage']);
  const end = scalar(data['signalName']) ?? (data['exitCode'] === undefined ? '' : `code ${scalar(data['exitCode'])}`);
  const peak = usage['memoryPeakBytes'] === undefined ? '' : `, peak ${size(usage['memoryPeakBytes'])}`;
  const why = scalar(data['reason']);
  return `${scalar(data['ending']) ?? ''} ${end} after ${typeof data['durationMs'] === 'number' ? durationText(data['durationMs']) : '?'}${peak}${why === undefined ? '' : `: ${why}`}`.replace('  ', ' ');
}

/** One artifact: delivered, with its size and digest, or why not. */
export function exportText(data: JsonObject): string {
  const name = scalar(data['artifactName']) ?? '?';
  if (data['reason'] !== undefined) return `${name} failed: ${scalar(data['reason'])}`;
  const { bytesWritten, destination } = object(data['receipt']);
  const digest = scalar(data['sha256']);
  return `${name}, ${size(bytesWritten)} to ${scalar(destination) ?? '?'}${digest === undefined ? '' : `, sha256 ${digest}`}`;
}

type Facts = (data: JsonObject) => string;

const FACTS: Readonly<Record<string, Facts>> = {
  [EVENTS.genesis.type]: (data) => `cellos ${scalar(data['cellosVersion'])}, kernel ${scalar(data['hostKernel'])} ${scalar(data['hostArch'])}`,
  [EVENTS.policyDecided.type]: (data) => {
    const decision = object(data['decision']);
    const id = scalar(object(object(decision['pack'])['spec'])['id']);
    return `${scalar(decision['verdict'])}${id === undefined ? '' : ` by the pack ${id}`}${decision['applied'] === false && id !== undefined ? ', which is for another placement' : ''}`;
  },
  [EVENTS.planEffective.type]: (data) => {
    const items = list(data['items']).map(object);
    const weaker = items.filter((item) => item['status'] === 'downgraded').map((item) => scalar(item['name']));
    return `${plural(items.filter((item) => item['status'] === 'enforced').length, 'thing')} enforced${weaker.length === 0 ? '' : `, weaker: ${weaker.join(' ')}`}`;
  },
  [EVENTS.admissionRefused.type]: (data) => list(data['violations']).map((violation) => scalar(object(violation)['rule'])).join(' '),
  [EVENTS.planRefused.type]: (data) => `not available here: ${strings(data['missing']).map(visible).join(' ')}`,
  [EVENTS.isolationObserved.type]: (data) => `init ${scalar(data['initPid'])} as host uid ${scalar(data['hostUid'])}, seccomp ${scalar(data['seccompMode'])}, no_new_privs ${scalar(data['noNewPrivs'])}, ${Object.keys(object(data['namespaces'])).length} namespaces`,
  [EVENTS.containerSecurity.type]: (data) => `capabilities eff ${scalar(data['capEff'])}, bounding ${scalar(data['capBnd'])}`,
  [EVENTS.networkScope.type]: (data) => plural(Number(data['egressRuleCount'] ?? 0), 'egress rule'),
  [EVENTS.dnsTargetSet.type]: (data) => `declared egress ${scalar(data['currentDigest'])?.slice(0, 12) ?? ''}`,
  [EVENTS.networkPolicy.type]: (data) => `${scalar(data['isolationMode'])}, ${plural(Number(data['declaredEgressCount'] ?? 0), 'rule')}`,
  [EVENTS.networkEnforcement.type]: (data) => `${scalar(data['isolationMode'])}, filter ${data['nftRulesApplied'] === true ? 'on' : 'off'}`,
  [EVENTS.started.type]: (data) => `time to live ${durationText(Number(data['ttlSeconds'] ?? 0) * 1000)}`,
  [EVENTS.processSpawned.type]: (data) => `${scalar(data['program'])} with ${plural(Math.max(0, Number(data['argc'] ?? 1) - 1), 'argument')}`,
  [EVENTS.processExited.type]: exited,
  [EVENTS.commandCompleted.type]: (data) => `${commandText(strings(data['argv']))} → ${scalar(data['exitCode'])}`,
  [EVENTS.limitReached.type]: (data) => firstMembers(data),
  [EVENTS.outputCaptured.type]: (data) => list(data['streams']).map(object).map((stream) => `${scalar(stream['name'])} ${size(stream['bytes'])}${stream['truncated'] === true ? ` (${size(stream['keptBytes'])} kept)` : ''}`).join(', '),
  [EVENTS.secretLease.type]: (data) => `${scalar(data['ref'])} ${scalar(data['state'])}${typeof data['uses'] === 'number' && data['uses'] > 0 ? `, used ${plural(data['uses'], 'time')}` : ''}${data['reason'] === undefined ? '' : `: ${scalar(data['reason'])}`}`,
  [EVENTS.identityMaterialized.type]: identity,
  [EVENTS.identityRevoked.type]: identity,
  [EVENTS.identityFailed.type]: identity,
  [EVENTS.workspaceChanged.type]: (data) => `${['added', 'modified', 'deleted'].map((key) => `${scalar(data[key]) ?? '?'} ${key}`).join(', ')} in ${scalar(data['source']) ?? '?'}`,
  [EVENTS.workspaceApplied.type]: (data) => `${data['applied'] === true ? 'brought into' : 'not brought into'} ${scalar(data['source']) ?? '?'}${data['reason'] === undefined ? '' : `: ${scalar(data['reason'])}`}`,
  [EVENTS.fsTouch.type]: (data) => `${scalar(data['purpose'])} ${scalar(data['artifactName'])} from ${scalar(data['sourcePath'])}`,
  [EVENTS.exportCompleted.type]: exportText,
  [EVENTS.exportFailed.type]: exportText,
  [EVENTS.complianceSummary.type]: (data) => `secrets by ${scalar(data['secretDeliveryMode'])}, ${plural(Number(data['exportTargetCount'] ?? 0), 'export target')}`,
  [EVENTS.homeostasis.type]: (data) => `${plural(Number(data['declaredSecretCount'] ?? 0), 'secret')}, ${plural(Number(data['declaredEgressRules'] ?? 0), 'egress rule')} declared`,
  [EVENTS.teardownCertificate.type]: (data) => {
    const lines = list(data['lines']).map(object);
    return `${lines.filter((line) => line['result'] === 'clean').length} of ${lines.length} clean, ${scalar(data['residue'])} residue, ${scalar(data['unchecked'])} unchecked`;
  },
  [EVENTS.recoverySwept.type]: (data) => `${plural(list(data['runs']).length, 'run')} of a killed supervisor swept`,
  [EVENTS.destroyed.type]: (data) => `${scalar(data['outcome'])}, ${scalar(data['terminalState'])}${data['reason'] === undefined ? '' : `: ${scalar(data['reason'])}`}`,
  [EVENTS.sealed.type]: (data) => `${scalar(data['count'])} records, outcome ${scalar(data['outcome'])}, exit ${scalar(data['exitCode'])}`,
};

/** `dev.cellos.events.cell.observability.v1.process_spawned` → `process_spawned`; the family is kept where the last word alone would not say it. */
export function shortType(type: string): string {
  const [, family = '', name = ''] = /^dev\.cellos\.events\.cell\.(.+)\.v\d+\.([^.]+)$/.exec(type) ?? [];
  if (name === '') return visible(type) || '(withheld)';
  return visible(family === 'observability' || family === 'lifecycle' ? name : `${family}.${name}`);
}

export function factsOf(record: ViewedRecord): string {
  if (record.type === '') return 'the event is withheld';
  return (FACTS[record.type] ?? firstMembers)(record.data);
}

const TIER_WIDTH = 6;
const TYPE_WIDTH = 23;

/** `+12 ms  kernel  process_spawned  sh with 2 arguments` */
export function eventLine(record: ViewedRecord, options: { startedAtMs: number | undefined; width: number; style: Style }): string {
  const { style, startedAtMs } = options;
  const at = Date.parse(record.time);
  const offset = startedAtMs === undefined || Number.isNaN(at) ? '?' : `+${Math.round(at - startedAtMs)} ms`;
  const head = `${offset.padStart(10)}  ${pad(visible(record.tier), TIER_WIDTH)}  ${pad(shortType(record.type), TYPE_WIDTH)}`;
  const room = options.width - head.length - 2;
  const tier = record.tier === 'guest' ? style.yellow(pad(record.tier, TIER_WIDTH)) : style.dim(pad(visible(record.tier), TIER_WIDTH));
  return `${style.dim(offset.padStart(10))}  ${tier}  ${pad(shortType(record.type), TYPE_WIDTH)}  ${room < 12 ? '' : fit(factsOf(record), room)}`.trimEnd();
}
