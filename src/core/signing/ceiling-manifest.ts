/** The organisation's ceiling of authority, as it stands inside a signed envelope (reference/01 §2.4, reference/02 §6.5). */
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonInteger, isJsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseTypedJson } from '../../base/typed-json.ts';
import type { AuthorityCapability, EgressRule } from '../spec/document.ts';

export interface CeilingManifest {
  readonly ceilingId: string;
  /** Rises with every manifest. */
  readonly ceilingEpoch: bigint;
  /** None: nothing is allowed. */
  readonly ceilings: readonly { readonly name: string; readonly ceiling: AuthorityCapability }[];
}

function malformed(what: string): never {
  throw new CellError('document.invalid', `Cannot read the authority ceiling: ${what}`);
}

function text(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : malformed(`its ${key} is ${value === undefined ? 'missing' : 'not a string'}`);
}

function list<T>(object: JsonObject, key: string, read: (item: JsonObject) => T): T[] {
  const value = object[key] ?? [];
  if (!isJsonArray(value)) malformed(`its ${key} are not a list`);
  return value.map((item: JsonValue) => (isJsonObject(item) ? read(item) : malformed(`one of its ${key} is not an object`)));
}

function egressRule(rule: JsonObject): EgressRule {
  const { port } = rule;
  if (typeof port !== 'number' || port < 0 || port > 65_535) malformed('the port of a rule is not an integer within u16');
  const optional = (key: string): object => (rule[key] === undefined || rule[key] === null ? {} : { [key]: text(rule, key) });
  return { host: text(rule, 'host'), port, ...optional('protocol'), ...optional('dnsEgressJustification') };
}

function capability(object: JsonObject): AuthorityCapability {
  const secretRefs = object['secretRefs'] ?? [];
  if (!isJsonArray(secretRefs)) malformed('its secretRefs are not a list');
  return { egressRules: list(object, 'egressRules', egressRule), secretRefs: secretRefs.map((ref) => (typeof ref === 'string' ? ref : malformed('a secret reference is not a string'))) };
}

/** @throws CellError `json.invalid` | `document.invalid` */
export function parseCeilingManifest(payload: Bytes): CeilingManifest {
  const value = parseTypedJson(payload, { own: new Set(['schemaVersion', 'ceilingId', 'ceilingEpoch', 'ceilings', 'notBefore', 'notAfter']) });
  if (!isJsonObject(value)) malformed('it is not an object');
  const { ceilingEpoch } = value;
  text(value, 'schemaVersion');
  const ceilingId = text(value, 'ceilingId');
  if (!isJsonInteger(ceilingEpoch) || ceilingEpoch < 0) malformed('its ceilingEpoch is not an integer within u64');
  for (const key of ['notBefore', 'notAfter']) if (value[key] !== undefined && value[key] !== null) text(value, key);
  const ceilings = list(value, 'ceilings', (item) => {
    const { ceiling } = item;
    return { name: text(item, 'name'), ceiling: isJsonObject(ceiling) ? capability(ceiling) : malformed('a ceiling is not an object') };
  });
  return { ceilingId, ceilingEpoch: BigInt(ceilingEpoch), ceilings };
}
