/**
 * Bundles made in memory with test keys, by the format document: good ones, and ones that are wrong in one place with everything after that
 * place signed, chained and attested anew, so that the wrong thing is met by the check that is about it.
 *
 * Built with the writers of the second verifier. That the first one calls them `complete` is the test that they are bundles.
 */
import { createECDH, createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { digest, sha256 } from './crypto.ts';
import { canonical, isMap, type Json, type JsonMap, jcs } from './json.ts';
import { headOf, type LogDraft, logFilesOf, signatureLine } from './logs.ts';

export interface Signer {
  readonly kid: string;
  readonly bytes: Buffer;
  readonly sign: (message: Uint8Array) => Buffer;
}

const kidOf = (kind: string, bytes: Buffer): string => `${kind}:${sha256(bytes).toString('hex').slice(0, 16)}`;

/** The same key for the same name. */
export function ed25519(name: string): Signer {
  const seed = createHash('sha256').update(`test key ${name}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' });
  const bytes = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { kid: kidOf('ed25519', bytes), bytes, sign: (message) => sign(null, message, key) };
}

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function derOf(raw: Buffer): Buffer {
  const integer = (value: bigint): Buffer => {
    const hex = value.toString(16);
    const body = Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex');
    const padded = (body[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), body]) : body;
    return Buffer.concat([Buffer.of(2, padded.byteLength), padded]);
  };
  const [r, s] = [BigInt(`0x${raw.toString('hex', 0, 32)}`), BigInt(`0x${raw.toString('hex', 32)}`)];
  const body = Buffer.concat([integer(r), integer(s > N / 2n ? N - s : s)]);
  return Buffer.concat([Buffer.of(0x30, body.byteLength), body]);
}

export function p256(name: string): Signer {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(createHash('sha256').update(`test key ${name}`).digest());
  const point = ecdh.getPublicKey();
  const jwk = { kty: 'EC', crv: 'P-256', d: ecdh.getPrivateKey('base64url'), x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33) };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const bytes = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { kid: kidOf('p256', bytes), bytes, sign: (message) => derOf(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })) };
}

export type Plain = null | boolean | number | string | bigint | readonly Plain[] | { readonly [key: string]: Plain | undefined } | JsonMap;

/** Plain values as the verifier reads them: whole numbers are integers, members that are undefined are left out. */
export function json(value: Plain): Json {
  if (value instanceof Map) return value as JsonMap;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return (value as readonly Plain[]).map(json);
  if (typeof value === 'object' && value !== null) return map(value as { readonly [key: string]: Plain | undefined });
  return value as Json;
}

export function map(members: { readonly [key: string]: Plain | undefined }): JsonMap {
  return new Map(Object.entries(members).filter(([, value]) => value !== undefined).map(([key, value]) => [key, json(value as Plain)]));
}

export function withMember(value: Json, key: string, member: Json | undefined): JsonMap {
  if (!isMap(value)) throw new Error(`no object to set ${key} of`);
  const changed = new Map(value);
  if (member === undefined) changed.delete(key);
  else changed.set(key, member);
  return changed;
}

export interface KeyRow {
  readonly signer: Signer;
  readonly purpose: 'root' | 'event' | 'checkpoint' | 'bundle';
  readonly state: string;
  readonly until?: Plain;
}

export interface KeysetDraft {
  readonly keys: readonly KeyRow[];
  readonly signers: readonly Signer[];
  readonly threshold: number;
  readonly producedAt?: string;
  readonly notAfter?: string;
}

export interface EventDraft {
  readonly type: string;
  readonly data: Plain;
  readonly tier?: string;
  readonly signer?: Signer;
  readonly withheld?: boolean;
  readonly id?: string;
  readonly time?: string | null;
  readonly extensions?: { readonly [key: string]: string };
}

export interface BundleDraft {
  readonly stream: string;
  readonly keysets: readonly KeysetDraft[];
  readonly events: readonly EventDraft[];
  readonly eventSigner: Signer;
  readonly bundleSigner: Signer;
  readonly outcome: string;
  readonly gaps: number;
  readonly files: { readonly [path: string]: string };
  readonly specHash: string;
  readonly sealed: boolean;
  readonly attested: boolean;
  /** The log of the host; absent: it keeps none. */
  readonly log?: LogDraft;
  /** Changes files before they are attested. */
  readonly refile?: (files: ReadonlyMap<string, Buffer>) => ReadonlyMap<string, Buffer>;
}

/** A place where a value can be exchanged while the bundle is made; everything that is made from it follows. */
export type Stage = 'keyset-payload' | 'keyset' | 'keyset-file' | 'event' | 'envelope' | 'record' | 'checkpoint' | 'note' | 'proofs' | 'statement' | 'dsse';
export type Edit = (stage: Stage, value: Json, at: number) => Json;
const AS_IT_IS: Edit = (_, value) => value;

const KEYSET_TYPE = 'application/vnd.cellos.trust-keyset-v1+json';
export const PREFIX = 'dev.cellos.events.cell.';
export const START = '2026-03-01T10:00:00Z';

function keysetOf(draft: KeysetDraft, epoch: number, previous: string | undefined, edit: Edit): { value: Json; digest: string } {
  const producedAt = draft.producedAt ?? `2026-02-01T00:00:${String(epoch).padStart(2, '0')}Z`;
  const keys = draft.keys.map(({ signer, purpose, state, until }) => ({ algorithm: purpose === 'bundle' ? 'ecdsa-p256-sha256' : 'ed25519', kid: signer.kid, publicKey: signer.bytes.toString('base64url'), purpose, state, until }));
  const inner = edit('keyset-payload', map({ epoch, keys, keysetId: 'host:test', notAfter: draft.notAfter, payloadType: KEYSET_TYPE, previous, producedAt, schemaVersion: '2.0.0', threshold: draft.threshold }), epoch - 1);
  const payload = canonical(inner);
  const copied = (key: string): Plain | undefined => (isMap(inner) ? (inner.get(key) as Plain | undefined) : undefined);
  const signatures = [...draft.signers].sort((a, b) => Buffer.compare(Buffer.from(a.kid), Buffer.from(b.kid))).map((signer) => ({ algorithm: 'ed25519', signature: signer.sign(payload).toString('base64url'), signerKid: signer.kid }));
  const outer = map({ payload: payload.toString('base64url'), payloadDigest: digest(payload), payloadType: KEYSET_TYPE, producedAt: copied('producedAt'), replacesEnvelopeDigest: copied('previous'), requiredSignerCount: copied('threshold'), schemaVersion: '1.0.0', signatures });
  return { value: edit('keyset', outer, epoch - 1), digest: digest(payload) };
}

/** The keysets of a draft, as they stand in `keyset.json` and in a trust file. */
export function keysetsOf(drafts: readonly KeysetDraft[], edit: Edit = AS_IT_IS): Json[] {
  const made: Json[] = [];
  let previous: string | undefined;
  for (const [i, draft] of drafts.entries()) {
    const { value, digest: own } = keysetOf(draft, i + 1, previous, edit);
    made.push(value);
    previous = own;
  }
  return made;
}

interface Chained {
  readonly lines: Buffer[];
  readonly headers: Buffer[];
  head: string;
}

function pushRecord(chained: Chained, draft: BundleDraft, event: EventDraft, edit: Edit): void {
  const seq = chained.lines.length;
  const own = map({
    specversion: '1.0', id: event.id ?? `event-${draft.stream}-${seq}`, source: 'test', type: event.type.includes('.events.') ? event.type : `${PREFIX}${event.type}`, datacontenttype: 'application/json',
    data: event.data, time: event.time === undefined ? `2026-03-01T10:00:${String(seq % 60).padStart(2, '0')}.5+00:00` : event.time, traceparent: null, ...event.extensions,
  });
  const signed = edit('event', own, seq);
  const signer = event.signer ?? draft.eventSigner;
  const envelope = edit('envelope', map({ algorithm: 'ed25519', event: signed as Plain, signature: signer.sign(canonical(signed)).toString('base64url'), signerKid: signer.kid }), seq);
  const salt = sha256(Buffer.from(`salt ${draft.stream} ${seq}`)).subarray(0, 16);
  const prev = seq === 0 ? digest(Buffer.from(`cellos evidence chain v1\n${draft.stream}`)) : chained.head;
  const header = { v: 1, stream: draft.stream, seq, prev, tier: event.tier ?? 'host', salt: salt.toString('base64url'), digest: digest(Buffer.concat([salt, canonical(envelope)])) };
  const record = edit('record', map({ ...header, ...(event.withheld === true ? {} : { envelope: envelope as Plain }) }), seq);
  chained.lines.push(Buffer.concat([canonical(record), Buffer.of(10)]));
  const headerBytes = isMap(record) ? canonical(withMember(record, 'envelope', undefined)) : Buffer.alloc(0);
  chained.headers.push(headerBytes);
  chained.head = digest(headerBytes);
}

function withRunId(data: Plain, stream: string): Plain {
  return typeof data === 'object' && data !== null && !Array.isArray(data) && !(data instanceof Map) ? { runId: stream, ...(data as { readonly [key: string]: Plain }) } : data;
}

/** @param edit exchanges a value at its stage, see `Stage` */
export function makeBundle(draft: BundleDraft, edit: Edit = AS_IT_IS): Map<string, Buffer> {
  const keyset = canonical(edit('keyset-file', keysetsOf(draft.keysets, edit), 0));
  const chained: Chained = { lines: [], headers: [], head: '' };
  const genesis = { v: 1, salted: true, cellId: 'cell', specId: 'spec', specHash: '0'.repeat(64), canonicalSpecHash: draft.specHash, keysetDigest: digest(keyset), ...(draft.log === undefined ? {} : { log: headOf(draft.log) }) };
  for (const event of [{ type: 'evidence.v1.genesis', data: genesis }, ...draft.events]) pushRecord(chained, draft, { ...event, data: withRunId(event.data, draft.stream) }, edit);
  if (draft.sealed) {
    const data = { runId: draft.stream, count: chained.lines.length + 1, head: chained.head, gaps: draft.gaps, outcome: draft.outcome, exitCode: 0, unchecked: 0 };
    pushRecord(chained, draft, { type: 'evidence.v1.sealed', data }, edit);
  }
  const files = new Map<string, Buffer>([['records.jsonl', Buffer.concat(chained.lines)], ['keyset.json', keyset]]);
  for (const [path, text] of Object.entries(draft.files)) files.set(path.replace('HEX', sha256(Buffer.from(text)).toString('hex')), Buffer.from(text));
  if (draft.log !== undefined && draft.attested) for (const [path, bytes] of logged(draft.log, chained, edit)) files.set(path, bytes);
  const given = new Map(draft.refile?.(files) ?? files);
  if (draft.attested) given.set('attestation.dsse.json', attest(given, draft, chained, edit));
  return given;
}

/** The stages `checkpoint` (its text before it is signed) and `note` (all of it) are texts. */
function logged(draft: LogDraft, { headers }: Chained, edit: Edit): [string, Buffer][] {
  const { text, proofs } = logFilesOf(draft, headers);
  const signed = String(edit('checkpoint', text, 0));
  const note = `${signed}\n${draft.signers.map((one) => signatureLine(signed, draft.origin, one)).join('')}`;
  return [['checkpoint.txt', Buffer.from(String(edit('note', note, 0)))], ['proofs.json', jcs(edit('proofs', proofs, 0))]];
}

function attest(files: ReadonlyMap<string, Buffer>, draft: BundleDraft, { head, lines }: Chained, edit: Edit): Buffer {
  const subject = [...files].map(([name, bytes]) => ({ name, digest: { sha256: sha256(bytes).toString('hex') } }));
  const predicate = { runId: draft.stream, count: lines.length, head, gaps: draft.gaps, outcome: draft.outcome };
  const statement = edit('statement', map({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://cellos.dev/evidence/run/v1', subject, predicate }), 0);
  return dsse(jcs(statement), draft.bundleSigner, edit);
}

/** A DSSE envelope around a payload. */
export function dsse(payload: Buffer, signer: Signer, edit: Edit = AS_IT_IS): Buffer {
  const type = 'application/vnd.in-toto+json';
  const sig = signer.sign(Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.byteLength} `), payload])).toString('base64');
  return jcs(edit('dsse', map({ payload: payload.toString('base64'), payloadType: type, signatures: [{ keyid: signer.kid, sig }] }), 0));
}

/** A trust file of one pin. */
export function trustFile(roots: readonly Signer[], threshold: number, chain?: readonly Json[]): Buffer {
  const members = { roots: new Map(roots.map((root): [string, Json] => [root.kid, root.bytes.toString('base64url')])), threshold, ...(chain === undefined ? {} : { chain: chain as Plain }) };
  return canonical(map({ v: 1, pins: [members] }));
}
