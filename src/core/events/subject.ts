/**
 * Names that go into subjects: subject URNs inside events, and NATS subjects they are published under (reference/02 §4).
 *
 *   B1  the functions named after the reference give its results, unchecked substitutions and all;
 *   B2  `eventSubject` is ours: every token is checked, so that no id can reach another tenant's subject.
 */
import { utf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonValue } from '../../base/json.ts';
import type { Kind } from './shape.ts';

/** Which rule a subject URN breaks, in the order they are checked. */
export type SubjectUrnRefusal = 'control-or-whitespace' | 'missing-scheme' | 'too-few-segments' | 'empty-segment' | 'bad-tool-or-kind';

function refuse(reason: SubjectUrnRefusal, what: string): never {
  throw new CellError('event.invalid', `Cannot use a subject URN: ${what}`, { facts: { reason } });
}

/** Bytes of which the reference says "control or whitespace". It looks at UTF-8 bytes, so a letter encoded with 0x85 or 0xA0 (`à`, `Å`) is refused too. */
const isRefusedByte = (byte: number): boolean => byte <= 0x20 || byte === 0x7f || byte === 0x85 || byte === 0xa0;

/** `urn:<tool>:<kind>:<id>`. @throws CellError `event.invalid` with the fact `reason` */
export function parseSubjectUrn(urn: string): string {
  if (utf8(urn).some(isRefusedByte)) refuse('control-or-whitespace', 'it holds a control character or white space');
  if (!urn.startsWith('urn:')) refuse('missing-scheme', 'it does not begin with urn:');
  const [tool, kind, ...id] = urn.slice('urn:'.length).split(':');
  if (tool === undefined || kind === undefined || id.length === 0) refuse('too-few-segments', 'it has not the form urn:<tool>:<kind>:<id>');
  if (tool === '' || kind === '' || id.join(':') === '') refuse('empty-segment', 'its tool, kind or id is empty');
  if (!/^[a-z0-9-]+$/.test(tool) || !/^[a-z0-9-]+$/.test(kind)) refuse('bad-tool-or-kind', 'its tool and kind may hold a-z, 0-9 and - only');
  return urn;
}

export function cellSubjectUrn(cellId: string): string {
  return parseSubjectUrn(`urn:cellos:cell:${cellId}`);
}

/** A subject URN as an argument of a builder. */
export const subjectUrn: Kind<string> = {
  read(value, path) {
    if (typeof value !== 'string') throw new CellError('event.invalid', `Cannot build an event: ${path} is not a subject URN`, { facts: { path } });
    return parseSubjectUrn(value);
  },
  schema: () => jsonObject({ type: 'string', pattern: '^urn:[a-z0-9-]+:[a-z0-9-]+:.+' }),
};

/** @throws CellError `spec.invalid` with the fact `reason`: a tenant id that would be more, or less, than one token of a NATS subject */
export function validateTenantId(tenantId: string): void {
  if (tenantId === '') throw new CellError('spec.invalid', 'Cannot use spec.correlation.tenantId: it is empty; leave it out instead', { facts: { reason: 'empty' } });
  const reserved = /[.*>\u0085\p{White_Space}]/u.exec(tenantId)?.[0];
  if (reserved !== undefined) throw new CellError('spec.invalid', `Cannot use spec.correlation.tenantId: "${reserved}" has a meaning of its own in a NATS subject`, { facts: { reason: 'reserved', character: reserved } });
}

export interface SubjectSettings {
  /** `CELLOS_EVENTS_SUBJECT_TEMPLATE` */
  readonly template?: string | undefined;
  /** `CELLOS_TENANT_ID` */
  readonly tenantId?: string | undefined;
  /** `CELL_OS_EVENTS_SUBJECT` */
  readonly subject?: string | undefined;
}

export interface SubjectRun {
  readonly specId: string;
  readonly runId: string;
  readonly tenantId?: string | undefined;
}

const substitute = (template: string, placeholder: string, value: string): string => template.split(placeholder).join(value);

/** The reference's choice of subject: nothing that is put in is checked [B1]. */
export function resolveEventSubject(settings: SubjectSettings, run: SubjectRun): string {
  const { template, tenantId, subject } = settings;
  if (template !== undefined && template.trim() !== '') {
    const filled = substitute(substitute(template, '{spec_id}', run.specId), '{run_id}', run.runId);
    return substitute(filled, '{tenantId}', run.tenantId ?? '_no_tenant_');
  }
  const tenant = tenantId?.trim() ?? '';
  if (tenant !== '') return `cellos.events.${tenant}.${run.specId}.${run.runId}`;
  return subject ?? 'cellos.events.v1';
}

/** The reference's JetStream sink: tenant of the event itself, `single` where it names none [B1]. */
export function resolveTenantSubject(template: string, data: JsonValue | undefined): string {
  const tenant = isJsonObject(data) ? data['tenantId'] : undefined;
  return substitute(template, '{tenantId}', typeof tenant === 'string' ? tenant : 'single');
}

/**
 * The subject we publish under: the reference's choice, made of checked tokens, tenant taken from the run [B2].
 *
 * @throws CellError `config.invalid` when the result is not a subject one can publish to
 */
export function eventSubject(settings: SubjectSettings, run: SubjectRun): string {
  for (const [what, token] of [['spec id', run.specId], ['run id', run.runId], ['tenant id', run.tenantId], ['CELLOS_TENANT_ID', settings.tenantId?.trim() === '' ? undefined : settings.tenantId?.trim()]] as const) {
    if (token !== undefined && !isSubjectToken(token)) throw new CellError('config.invalid', `Cannot publish events: the ${what} "${token}" is not one token of a subject`, { facts: { token } });
  }
  const subject = resolveEventSubject(settings, run).trim();
  if (!isSubject(subject)) throw new CellError('config.invalid', `Cannot publish events: "${subject}" is not a subject without wildcards`, { facts: { subject } });
  return subject;
}

/** Can one publish to it: no wildcard, no empty token, nothing that would end a line of the protocol. */
export function isSubject(text: string): boolean {
  return text.split('.').every(isSubjectToken);
}

export function isSubjectToken(token: string): boolean {
  return /^[^.*>{}\u0000-\u0020\u007f\p{White_Space}]+$/u.test(token);
}

/** Subject of the events of a formation (reference/02 §3.3). */
export function formationSubject(formationId: string, phase: string): string {
  return `cellos.events.formations.${formationId}.${phase}`;
}
