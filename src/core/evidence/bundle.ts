/**
 * The files of a bundle and the attestation over them: an in-toto Statement in a DSSE envelope, signed with the bundle key (P-256). Here an envelope has
 * one spelling: canonical JSON, one signature, in its one form; what DSSE leaves open is shut.
 */
import { type Bytes, equalBytes, fromBase64, toBase64 } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import { type Digest, verifyP256 } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { preAuthEncoding } from '../signing/dsse.ts';
import { STATEMENT_PAYLOAD_TYPE, STATEMENT_TYPE, statementOf } from './statement.ts';

export const BUNDLE = { records: 'records.jsonl', keyset: 'keyset.json', attestation: 'attestation.dsse.json', stdout: 'stdout.log', stderr: 'stderr.log', workspace: 'workspace.json', checkpoint: 'checkpoint.txt', proofs: 'proofs.json', artifacts: 'artifacts/' } as const;

/** Of each row of the reference's audit chain. */
export const AUDIT_SCHEMA = 'axiom.audit.v1';
/** How every line of such a chain begins, as the reference and we write it. */
export const TRAIL_BEGINNING = `{"schema":"${AUDIT_SCHEMA}",`;

export const PREDICATE_TYPE = 'https://cellos.dev/evidence/run/v1';

export interface BundleSigner {
  readonly kid: string;
  sign(message: Bytes): Bytes;
}

export interface RunPredicate {
  readonly runId: string;
  readonly count: number;
  readonly head: string;
  readonly gaps: number;
  readonly outcome: string;
}

export function makeAttestation(input: { files: ReadonlyMap<string, Digest>; predicate: RunPredicate; signer: BundleSigner }): Bytes {
  const subject = [...input.files].map(([name, digest]) => jsonObject({ name, digest: jsonObject({ sha256: digest.slice('sha256:'.length) }) }));
  const payload = jcsBytes(jsonObject({ _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPE, predicate: jsonObject({ ...input.predicate }) }));
  const signature = input.signer.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload));
  return jcsBytes(jsonObject({ payloadType: STATEMENT_PAYLOAD_TYPE, payload: toBase64(payload), signatures: [jsonObject({ keyid: input.signer.kid, sig: toBase64(signature) })] }));
}

export interface Attestation {
  /** The key that signed it. */
  readonly kid: string;
  readonly files: ReadonlyMap<string, Digest>;
  readonly predicate: RunPredicate;
}

function bad(message: string): never {
  throw new CellError('evidence.invalid', `Cannot accept the attestation: ${message}`);
}

function canonical(bytes: Bytes, what: string): JsonObject {
  const value = parseJson(bytes);
  if (!isJsonObject(value) || !equalBytes(jcsBytes(value), bytes)) bad(`the ${what} is not one canonical object`);
  return value;
}

function text(value: JsonValue | undefined, what: string): string {
  if (typeof value !== 'string') bad(`${what} is not a string`);
  return value;
}

function count(value: JsonValue | undefined, what: string): number {
  if (typeof value !== 'number') bad(`${what} is not a number`);
  return value;
}

/** @param keys kid → SubjectPublicKeyInfo of the keys whose purpose is `bundle`. @throws CellError `evidence.invalid` | `json.invalid` */
export function verifyAttestation(bytes: Bytes, keys: ReadonlyMap<string, Bytes>): Attestation {
  const envelope = canonical(bytes, 'envelope');
  if (Object.keys(envelope).length !== 3 || envelope['payloadType'] !== STATEMENT_PAYLOAD_TYPE) bad('it is not a DSSE envelope over an in-toto Statement');
  const payload = fromBase64(text(envelope['payload'], 'payload'));
  const signatures = envelope['signatures'];
  const signed = isJsonArray(signatures) && signatures.length === 1 ? signatures[0] : undefined;
  if (payload === undefined || !isJsonObject(signed) || Object.keys(signed).length !== 2) bad('payload or signature is malformed');
  const kid = text(signed['keyid'], 'keyid');
  const key = keys.get(kid);
  const signature = fromBase64(text(signed['sig'], 'sig'));
  if (key === undefined) bad('the keyset has no bundle key of that name');
  if (signature === undefined || !verifyP256({ publicKey: key, message: preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload), signature })) bad('the signature does not fit');
  const { subjects, predicateType, predicate } = statementOf(canonical(payload, 'statement'));
  if (predicateType !== PREDICATE_TYPE) bad('the statement is of another type');
  const files = new Map<string, Digest>();
  for (const { name, digest } of subjects) {
    const sha256 = digest.get('sha256');
    if (name === undefined || sha256 === undefined) bad('a subject is malformed');
    if (files.has(name)) bad(`${name} is a subject twice`);
    files.set(name, `sha256:${sha256}`);
  }
  return {
    kid,
    files,
    predicate: {
      runId: text(predicate['runId'], 'runId'),
      count: count(predicate['count'], 'count'),
      head: text(predicate['head'], 'head'),
      gaps: count(predicate['gaps'], 'gaps'),
      outcome: text(predicate['outcome'], 'outcome'),
    },
  };
}
