/**
 * Principals as URIs (reference/01 §7): `principal://operator/alice/delegate/d?scope=tool:get`.
 *
 *   G1  the scope clauses belong to the delegates from the root on; a surplus one is refused, not dropped;
 *   G2  what is printed reads back as the same principal. As scopes only narrow, a delegate without scope has none with one after it, so the clauses
 *       that are left out always stand at the end.
 */
import { tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { chainOf, checkedPrincipal, principalError, trustRootId } from './principal.ts';
import { type Delegate, type Principal, TOOL_CAPABILITIES, type ToolCapability, type TrustRoot } from './principal-shape.ts';

const SCHEME = 'principal://';
/** Kinds of trust root, as a URI names them. */
const ROOTS: Readonly<Record<string, (id: string) => TrustRoot>> = {
  oidc: (issuer) => ({ kind: 'oidc', issuer }),
  ado: (realm) => ({ kind: 'ado', realm }),
  github: (org) => ({ kind: 'git_hub', org }),
};

function encodeSegment(text: string): string {
  let out = '';
  for (const byte of utf8(text)) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

function decodeSegment(segment: string): string {
  const bytes: number[] = [];
  const raw = utf8(segment);
  for (let i = 0; i < raw.length; i += 1) {
    const byte = raw[i] as number;
    if (byte !== 0x25) {
      bytes.push(byte);
      continue;
    }
    const digits = String.fromCharCode(...raw.subarray(i + 1, i + 3));
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw principalError('percent-encoding', 'a % is not followed by two hex digits');
    bytes.push(Number.parseInt(digits, 16));
    i += 2;
  }
  const text = tryDecodeUtf8(Uint8Array.from(bytes));
  if (text === undefined) throw principalError('percent-encoding', 'a part of it is not UTF-8');
  return text;
}

function parseScope(list: string): ToolCapability[] {
  return list
    .split(',')
    .filter((token) => token !== '')
    .map((token) => {
      const known = TOOL_CAPABILITIES.find((capability) => capability === token);
      if (known === undefined) throw principalError('unknown-capability', `its scope has an unknown capability; known are ${TOOL_CAPABILITIES.join(', ')}`);
      return known;
    });
}

function parseScopes(query: string): ToolCapability[][] {
  if (query === '') return [];
  return query.split('&').map((clause) => {
    const at = clause.indexOf('=');
    if (at < 0) throw principalError('malformed', 'a clause of its query has no =');
    if (clause.slice(0, at) !== 'scope') throw principalError('malformed', 'its query has another parameter than scope');
    return parseScope(clause.slice(at + 1));
  });
}

function parseFederated(segments: readonly string[]): Principal {
  const [kind = '', id = '', marker, identity = ''] = segments;
  if (segments.length < 4 || marker !== 'identity') throw principalError('malformed', 'a federated one is federated/ROOT/ID/identity/ID');
  const make = Object.hasOwn(ROOTS, kind) ? ROOTS[kind] : undefined;
  if (make === undefined) throw principalError('unknown-trust-root', `its trust root is none of ${Object.keys(ROOTS).join(', ')}`);
  return { kind: 'federated', trust_root: make(decodeSegment(id)), identity: decodeSegment(identity) };
}

function parseRoot(segments: readonly string[]): { root: Principal; rest: readonly string[] } {
  const [kind, id] = segments;
  switch (kind) {
    case 'operator':
    case 'platform':
      if (id === undefined) throw principalError('malformed', `its ${kind} has no id`);
      return { root: { kind, id: decodeSegment(id) }, rest: segments.slice(2) };
    case 'federated':
      return { root: parseFederated(segments.slice(1)), rest: segments.slice(5) };
    default:
      throw principalError('unknown-kind', 'it begins with none of operator, platform, federated');
  }
}

function parseDelegates(segments: readonly string[]): string[] {
  const ids: string[] = [];
  for (let i = 0; i < segments.length; i += 2) {
    if (segments[i] !== 'delegate') throw principalError('malformed', 'something other than delegate/ID follows');
    const id = segments[i + 1];
    if (id === undefined) throw principalError('malformed', 'a delegate has no id');
    ids.push(decodeSegment(id));
  }
  return ids;
}

/** @throws CellError `document.invalid`; the fact `reason` says which rule it breaks */
export function parsePrincipalUri(uri: string): Principal {
  if (!uri.startsWith(SCHEME)) throw principalError('missing-scheme', `it does not begin with ${SCHEME}`);
  const text = uri.slice(SCHEME.length);
  if (text === '') throw principalError('empty-path', `nothing stands after ${SCHEME}`);
  const mark = text.indexOf('?');
  const scopes = parseScopes(mark < 0 ? '' : text.slice(mark + 1));
  const { root, rest } = parseRoot((mark < 0 ? text : text.slice(0, mark)).split('/'));
  const ids = parseDelegates(rest);
  if (scopes.length > ids.length) throw principalError('surplus-scope', `it has ${scopes.length} scopes for ${ids.length} delegates`); // G1
  return checkedPrincipal(ids.reduce<Principal>((authorizing, delegate, i): Delegate => ({ kind: 'delegate', authorizing, delegate, scope: scopes[i] ?? [] }), root));
}

function rootPath(root: Exclude<Principal, Delegate>): string {
  if (root.kind !== 'federated') return `${root.kind}/${encodeSegment(root.id)}`;
  const { trust_root: trust, identity } = root;
  return `federated/${trust.kind === 'git_hub' ? 'github' : trust.kind}/${encodeSegment(trustRootId(trust))}/identity/${encodeSegment(identity)}`;
}

/** @throws CellError `document.invalid` for a principal that does not hold together */
export function principalUri(principal: Principal): string {
  const { root, delegates } = chainOf(checkedPrincipal(principal));
  const path = [rootPath(root), ...delegates.map(({ delegate }) => `delegate/${encodeSegment(delegate)}`)].join('/');
  const clauses = delegates.filter(({ scope }) => scope.length > 0).map(({ scope }) => `scope=${scope.join(',')}`);
  return `${SCHEME}${path}${clauses.length === 0 ? '' : `?${clauses.join('&')}`}`;
}
