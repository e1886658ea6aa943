/** The attestation (section 6): a DSSE envelope around an in-toto Statement about the files of a bundle. */
import { decode, fitsP256, sha256 } from './crypto.ts';
import { exactMembers, integerAt, isList, isMap, type Json, type JsonMap, jcs, readExact, refuse, textAt } from './json.ts';
import type { Key } from './keysets.ts';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const ARTIFACTS = 'artifacts/';

export interface Attestation {
  /** Path → SHA-256, hex. */
  readonly files: ReadonlyMap<string, string>;
  readonly predicate: JsonMap;
  /** The key that signed. */
  readonly key: Key;
}

/** @throws Refusal unless it has its form and its signature fits one of `keys` */
export function readAttestation(bytes: Uint8Array, keys: ReadonlyMap<string, Key>): Attestation {
  const envelope = exactMembers(readExact(bytes, jcs), ['payload', 'payloadType', 'signatures']);
  const signatures = envelope.get('signatures');
  if (textAt(envelope, 'payloadType') !== PAYLOAD_TYPE || !isList(signatures) || signatures.length !== 1) return refuse('no envelope with one signature');
  const signature = exactMembers(signatures[0], ['keyid', 'sig']);
  const payload = decode(textAt(envelope, 'payload'), 'base64');
  const sig = decode(textAt(signature, 'sig'), 'base64');
  const key = keys.get(textAt(signature, 'keyid')) ?? refuse('the keyset names no such key for bundles');
  if (!fitsP256(key.bytes, Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.byteLength} `), payload]), sig)) refuse('the signature does not fit');
  const statement = membersOf(readExact(payload, jcs));
  if (textAt(statement, '_type') !== 'https://in-toto.io/Statement/v1' || textAt(statement, 'predicateType') !== 'https://cellos.dev/evidence/run/v1') refuse('another statement');
  return { files: filesOf(statement.get('subject')), predicate: membersOf(statement.get('predicate')), key };
}

/** Of an in-toto Statement: members that are not known mean nothing. */
function membersOf(value: Json | undefined): JsonMap {
  return isMap(value) ? value : refuse('not an object');
}

/** Letters of the digests whose form is given; the others are any text. */
const LETTERS: ReadonlyMap<string, number> = new Map([['sha256', 64], ['sha384', 96], ['sha512', 128], ['sha512_256', 64], ['sha3_256', 64], ['sha3_384', 96], ['sha3_512', 128]]);

/** @returns SHA-256, hex */
function sha256Of(value: Json | undefined): string {
  const digests = membersOf(value);
  for (const algorithm of digests.keys()) {
    const letters = LETTERS.get(algorithm);
    const text = textAt(digests, algorithm);
    if (text === '' || (letters !== undefined && (text.length !== letters || /[^0-9a-f]/.test(text)))) refuse('a digest is none');
  }
  return textAt(digests, 'sha256');
}

function filesOf(value: Json | undefined): Map<string, string> {
  if (!isList(value)) return refuse('the subject is no list');
  const files = new Map<string, string>();
  for (const item of value) {
    const subject = membersOf(item);
    const [name, hex] = [textAt(subject, 'name'), sha256Of(subject.get('digest'))];
    if (files.has(name)) refuse('a file stands twice');
    if (name.startsWith(ARTIFACTS) && name !== `${ARTIFACTS}${hex}`) refuse('an artifact under another name than its digest');
    files.set(name, hex);
  }
  return files;
}

interface Attested {
  readonly runId: string;
  readonly count: number;
  readonly head: string;
  readonly gaps: bigint;
  readonly outcome: string;
}

/** @throws Refusal unless the files and the records are those attested. @param withheld the records are not the file that was attested */
export function checkAttested({ files, predicate }: Attestation, there: ReadonlyMap<string, Uint8Array>, { records, withheld }: { readonly records: Attested; readonly withheld: boolean }): void {
  for (const [path, hex] of files) {
    const bytes = there.get(path) ?? refuse(`${path} is missing`);
    if (!(withheld && path === 'records.jsonl') && sha256(bytes).toString('hex') !== hex) refuse(`${path} is another`);
  }
  for (const path of there.keys()) if (path !== 'attestation.dsse.json' && !files.has(path)) refuse(`${path} is not attested`);
  if (textAt(predicate, 'runId') !== records.runId || integerAt(predicate, 'count') !== BigInt(records.count) || textAt(predicate, 'head') !== records.head) refuse('it is about other records');
  if (integerAt(predicate, 'gaps') !== records.gaps || textAt(predicate, 'outcome') !== records.outcome) refuse('it is about another end');
}
