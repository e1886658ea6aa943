/**
 * in-toto Statements, version 1 (in-toto/attestation, spec/v1): what is attested, and of which bytes. Pure.
 *
 *   A1  a subject is its digests; its name is for people. One without a digest makes the statement malformed;
 *   A2  digests of the algorithms that are known here have their length, in lower case; others are kept as they stand, and match nothing.
 *
 * Members that are not known are not looked at ("Parsing rules": monotonic).
 */
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { emptyObject, isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { type DsseKey, type DsseVerifiers, verifyDsse } from '../signing/dsse.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Hex digits of a digest, by algorithm. The weak ones are not here: they identify nothing. */
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([['sha256', 64], ['sha384', 96], ['sha512', 128], ['sha512_256', 64], ['sha3_256', 64], ['sha3_384', 96], ['sha3_512', 128]]);

export interface StatementSubject {
  readonly name?: string;
  /** Algorithm → digest, at least one. */
  readonly digest: ReadonlyMap<string, string>;
}

export interface Statement {
  /** At least one. */
  readonly subjects: readonly StatementSubject[];
  /** A URI. */
  readonly predicateType: string;
  /** Empty when there is none. */
  readonly predicate: JsonObject;
}

function refuse(why: string): never {
  throw new CellError('evidence.invalid', `Cannot accept an in-toto Statement: ${why}`);
}

function digestSet(value: JsonValue | undefined): ReadonlyMap<string, string> {
  if (!isJsonObject(value) || Object.keys(value).length === 0) refuse('a subject has no digest'); // A1
  return new Map(
    Object.entries(value).map(([algorithm, digest]) => {
      if (typeof digest !== 'string' || digest === '') refuse(`the ${algorithm} of a subject is not a text`);
      const digits = HEX_DIGITS.get(algorithm);
      if (digits !== undefined && (digest.length !== digits || !/^[0-9a-f]+$/.test(digest))) refuse(`the ${algorithm} of a subject is not ${digits} hex digits in lower case`); // A2
      return [algorithm, digest] as const;
    }),
  );
}

function subjectOf(value: JsonValue): StatementSubject {
  if (!isJsonObject(value)) refuse('a subject is not an object');
  const { name } = value;
  if (name !== undefined && typeof name !== 'string') refuse('the name of a subject is not a text');
  return { ...(name === undefined ? {} : { name }), digest: digestSet(value['digest']) };
}

/** @throws CellError `evidence.invalid` | `json.invalid` */
export function parseStatement(payload: Bytes): Statement {
  return statementOf(parseJson(payload));
}

/** The same of what was parsed already. @throws CellError `evidence.invalid` */
export function statementOf(value: JsonValue): Statement {
  if (!isJsonObject(value)) refuse('it is not an object');
  const { _type: type, subject, predicateType, predicate } = value;
  if (type !== STATEMENT_TYPE) refuse(`its type is not ${STATEMENT_TYPE}`);
  if (!isJsonArray(subject) || subject.length === 0) refuse('it has no subjects');
  if (typeof predicateType !== 'string' || predicateType === '') refuse('it does not say of what kind its predicate is');
  if (predicate !== undefined && !isJsonObject(predicate)) refuse('its predicate is not an object');
  return { subjects: subject.map(subjectOf), predicateType, predicate: predicate ?? emptyObject() };
}

/** The subjects that are these bytes. @param digests algorithm → digest of the bytes; one that is known here and the same is enough (in-toto DigestSet, "Guidelines") */
export function matchingSubjects(statement: Statement, digests: ReadonlyMap<string, string>): readonly StatementSubject[] {
  return statement.subjects.filter(({ digest }) => [...digests].some(([algorithm, value]) => HEX_DIGITS.has(algorithm) && digest.get(algorithm) === value)); // A2
}

/** A statement that enough of the keys have signed. @throws CellError as {@link verifyDsse} and {@link parseStatement} */
export function verifyStatement(envelope: Bytes | string | JsonObject, verifiers: DsseVerifiers | readonly DsseKey[]): Statement & { readonly keys: readonly DsseKey[] } {
  const asked: DsseVerifiers = Array.isArray(verifiers) ? { keys: verifiers as readonly DsseKey[] } : (verifiers as DsseVerifiers);
  const { payload, keys } = verifyDsse(envelope, { ...asked, payloadTypes: [STATEMENT_PAYLOAD_TYPE] });
  return { ...parseStatement(payload), keys };
}
