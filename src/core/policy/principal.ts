/**
 * Principals: who acts, and for whom (reference/01 §7). In JSON and as `principal://` URIs.
 *
 *   PR1  a delegate never holds more than who authorises it, however it was read or made;
 *   PR2  no id is empty; at most `PRINCIPAL_DEPTH_MAX` delegates stand in one chain;
 *   PR3  a URI says what it means: a clause for each delegate up to the last that has a scope, none too many.
 */
import { tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import type { JsonValue } from '../../base/json.ts';
import { decode } from '../spec/decode.ts';
import { encodeText } from '../spec/encode.ts';
import { quoted } from '../spec/issues.ts';
import { PRINCIPAL, type Principal, type ToolCapability, type TrustRoot } from '../spec/wire-types.ts';

/** Capabilities in the order a scope is written. */
export const TOOL_CAPABILITIES: readonly ToolCapability[] = ['tool:apply', 'tool:get', 'tool:logs', 'tool:events', 'tool:*'];
export const PRINCIPAL_DEPTH_MAX = 16;

const SCHEME = 'principal://';
const EVERYTHING: readonly ToolCapability[] = ['tool:*'];

export type PrincipalRefusal =
  | ('scheme' | 'no-variant' | 'query-clause' | 'query-parameter' | 'capability' | 'kind' | 'missing-id' | 'percent' | 'after-id' | 'federated-form' | 'trust-root' | 'delegate-id' | 'delegate-form')
  | ('not-narrowing' | 'empty-id' | 'surplus-clause' | 'too-deep' | 'shape');

function refuse(reason: PrincipalRefusal, what: string, facts: Readonly<Record<string, string>> = {}): never {
  throw new CellError('document.invalid', `Cannot use a principal: ${what}`, { facts: { reason, ...facts } });
}

type Delegate = Extract<Principal, { kind: 'delegate' }>;

/** The scope as a set, in its written order. */
function ordered(scope: readonly ToolCapability[]): readonly ToolCapability[] {
  return TOOL_CAPABILITIES.filter((capability) => scope.includes(capability));
}

/** What a principal may do: a delegate its own scope, anybody else everything. */
export function effectiveScope(principal: Principal): readonly ToolCapability[] {
  return principal.kind === 'delegate' ? ordered(principal.scope) : EVERYTHING;
}

function firstBeyond(authorizing: Principal, scope: readonly ToolCapability[]): ToolCapability | undefined {
  const held = effectiveScope(authorizing);
  return held.includes('tool:*') ? undefined : ordered(scope).find((capability) => !held.includes(capability));
}

/** From the root outwards. */
function delegatesOf(principal: Principal): { readonly root: Exclude<Principal, Delegate>; readonly delegates: readonly Delegate[] } {
  const delegates: Delegate[] = [];
  let at = principal;
  while (at.kind === 'delegate') {
    delegates.push(at);
    if (delegates.length > PRINCIPAL_DEPTH_MAX) refuse('too-deep', `more than ${PRINCIPAL_DEPTH_MAX} delegates stand in one chain`); // PR2
    at = at.authorizing;
  }
  return { root: at, delegates: delegates.reverse() };
}

const rootIdOf = (root: TrustRoot): string => (root.kind === 'oidc' ? root.issuer : root.kind === 'ado' ? root.realm : root.org);

function notEmpty(id: string, what: string): void {
  if (id === '') refuse('empty-id', `${what} is empty`); // PR2
}

/** @throws CellError `document.invalid` with the fact `reason` [PR1] [PR2] */
export function checkPrincipal(principal: Principal): Principal {
  const { root, delegates } = delegatesOf(principal);
  if (root.kind === 'federated') {
    notEmpty(rootIdOf(root.trust_root), 'the trust root of a federated principal');
    notEmpty(root.identity, 'the identity of a federated principal');
  } else notEmpty(root.id, `the id of the ${root.kind}`);
  for (const { authorizing, delegate, scope } of delegates) {
    notEmpty(delegate, 'the id of a delegate');
    const missing = firstBeyond(authorizing, scope);
    if (missing !== undefined) refuse('not-narrowing', `the delegate ${quoted(delegate)} asks for ${missing}, which who authorises it does not hold`, { missing });
  }
  return principal;
}

/** @throws CellError `document.invalid` with the facts `reason` and `missing` when the scope is no part of what `authorizing` holds */
export function delegateTo(authorizing: Principal, delegate: string, scope: readonly ToolCapability[]): Principal {
  return checkPrincipal({ kind: 'delegate', authorizing, delegate, scope: ordered(scope) });
}

/** Id of the operator a chain of delegates begins with, if it does. */
export function rootOperator(principal: Principal): string | undefined {
  const { root } = delegatesOf(principal);
  return root.kind === 'operator' ? root.id : undefined;
}

/** @throws CellError `document.invalid` with the fact `reason` */
export function parsePrincipal(value: JsonValue): Principal {
  const { value: principal, errors } = decode(PRINCIPAL, value);
  if (principal === undefined || errors.count > 0) refuse('shape', errors.list[0]?.message ?? 'it has another shape');
  return checkPrincipal(principal);
}

/** Compact JSON, its members in the reference's order. */
export function principalText(principal: Principal): string {
  return encodeText(PRINCIPAL, principal);
}

// URIs

function encodeSegment(text: string): string {
  let out = '';
  for (const byte of utf8(text)) {
    const letter = String.fromCharCode(byte);
    out += /[A-Za-z0-9\-._~]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

function decodeSegment(segment: string): string {
  const wrong = (): never => refuse('percent', `the part ${quoted(segment)} of a URI is not percent-encoded UTF-8`);
  if (/%(?![0-9A-Fa-f]{2})/.test(segment)) wrong();
  const bytes: number[] = [];
  for (const piece of segment.split(/(%[0-9A-Fa-f]{2})/)) {
    if (piece.startsWith('%')) bytes.push(Number.parseInt(piece.slice(1), 16));
    else bytes.push(...utf8(piece));
  }
  return tryDecodeUtf8(Uint8Array.from(bytes)) ?? wrong();
}

const URI_ROOTS: Readonly<Record<TrustRoot['kind'], string>> = { oidc: 'oidc', ado: 'ado', git_hub: 'github' };

export function principalUri(principal: Principal): string {
  const { root, delegates } = delegatesOf(checkPrincipal(principal));
  const body = root.kind === 'federated' ? `federated/${URI_ROOTS[root.trust_root.kind]}/${encodeSegment(rootIdOf(root.trust_root))}/identity/${encodeSegment(root.identity)}` : `${root.kind}/${encodeSegment(root.id)}`;
  const last = delegates.findLastIndex(({ scope }) => scope.length > 0);
  // PR3: an empty scope before one that is not has a clause too, or the clauses would move to other delegates.
  const clauses = delegates.slice(0, last + 1).map(({ scope }) => `scope=${ordered(scope).join(',')}`);
  return `${SCHEME}${body}${delegates.map(({ delegate }) => `/delegate/${encodeSegment(delegate)}`).join('')}${clauses.length === 0 ? '' : `?${clauses.join('&')}`}`;
}

function parseScope(text: string): readonly ToolCapability[] {
  const tokens = text.split(',').filter((token) => token !== '');
  const unknown = tokens.find((token) => !(TOOL_CAPABILITIES as readonly string[]).includes(token));
  if (unknown !== undefined) refuse('capability', `no capability is called ${quoted(unknown)}`);
  return ordered(tokens as ToolCapability[]);
}

function parseQuery(query: string): readonly (readonly ToolCapability[])[] {
  if (query === '') return [];
  return query.split('&').map((clause) => {
    const equals = clause.indexOf('=');
    if (equals < 0) refuse('query-clause', `the clause ${quoted(clause)} of the query has no "="`);
    const key = clause.slice(0, equals);
    if (key !== 'scope') refuse('query-parameter', `the query has a parameter ${quoted(key)}; only scope is known`);
    return parseScope(clause.slice(equals + 1));
  });
}

interface Body {
  readonly root: Exclude<Principal, Delegate>;
  /** Segments behind the root. */
  readonly rest: readonly string[];
}

function parseFederated(segments: readonly string[]): Body {
  const [kind, id, marker, identity] = segments.slice(1);
  if (kind === undefined || id === undefined || identity === undefined || marker !== 'identity') refuse('federated-form', 'a federated principal is written federated/ROOT_KIND/ROOT/identity/ID');
  const name = decodeSegment(id);
  const trustRoot: TrustRoot | undefined = kind === 'oidc' ? { kind, issuer: name } : kind === 'ado' ? { kind, realm: name } : kind === 'github' ? { kind: 'git_hub', org: name } : undefined;
  if (trustRoot === undefined) refuse('trust-root', `no trust root is called ${quoted(kind)}: oidc, ado and github are known`);
  return { root: { kind: 'federated', trust_root: trustRoot, identity: decodeSegment(identity) }, rest: segments.slice(5) };
}

function parseBody(segments: readonly string[]): Body {
  const [kind, id] = segments;
  if (kind === 'federated') return parseFederated(segments);
  if (kind !== 'operator' && kind !== 'platform') refuse('kind', `no kind of principal is called ${quoted(kind ?? '')}: operator, platform and federated are known, each with delegates behind it`);
  if (id === undefined) refuse('missing-id', `the ${kind} has no id`);
  return { root: { kind, id: decodeSegment(id) }, rest: segments.slice(2) };
}

/** @throws CellError `document.invalid` with the fact `reason` */
export function parsePrincipalUri(uri: string): Principal {
  if (!uri.startsWith(SCHEME)) refuse('scheme', `${quoted(uri)} does not begin with ${SCHEME}`);
  const whole = uri.slice(SCHEME.length);
  if (whole === '') refuse('no-variant', 'nothing follows principal://');
  const mark = whole.indexOf('?');
  const scopes = parseQuery(mark < 0 ? '' : whole.slice(mark + 1));
  const { root, rest } = parseBody((mark < 0 ? whole : whole.slice(0, mark)).split('/'));
  let principal: Principal = root;
  let count = 0;
  for (let at = 0; at < rest.length; at += 2, count += 1) {
    if (rest[at] !== 'delegate') refuse(at === 0 ? 'after-id' : 'delegate-form', `the part ${quoted(rest[at] ?? '')} stands where only delegate/ID may`);
    const id = rest[at + 1];
    if (id === undefined) refuse('delegate-id', 'a delegate has no id');
    principal = { kind: 'delegate', authorizing: principal, delegate: decodeSegment(id), scope: scopes[count] ?? [] };
  }
  if (scopes.length > count) refuse('surplus-clause', `the query has ${scopes.length} scopes for ${count} delegates`); // PR3
  return checkPrincipal(principal);
}
