/**
 * Principals (reference/01 §7): who acts, and for whom, with what scope.
 *
 *   N1  a delegate never has more than who authorised it, and this is checked wherever a principal is read or made, not only in `delegateTo`;
 *   N2  no id is empty, and a chain has at most `LIMITS.principalDepthMax` delegates.
 */
import type { JsonValue } from '../../base/json.ts';
import { CellError } from '../../base/errors.ts';
import { renderPath } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { decode } from '../spec/decode.ts';
import { encodeText } from '../spec/encode.ts';
import { type Delegate, PRINCIPAL, type Principal, TOOL_CAPABILITIES, type ToolCapability, type TrustRoot } from './principal-shape.ts';

export type PrincipalReason =
  | 'shape'
  | 'missing-scheme'
  | 'empty-path'
  | 'unknown-kind'
  | 'unknown-trust-root'
  | 'unknown-capability'
  | 'percent-encoding'
  | 'malformed'
  | 'empty-id'
  | 'too-deep'
  | 'surplus-scope'
  | 'not-narrowing';

export function principalError(reason: PrincipalReason, message: string, facts: Readonly<Record<string, string>> = {}): CellError {
  return new CellError('document.invalid', `Cannot use the principal: ${message}`, { facts: { reason, ...facts } });
}

const EVERYTHING: readonly ToolCapability[] = ['tool:*'];

/** Is the capability among those held? `tool:*` holds every one. */
export function holds(held: readonly ToolCapability[], capability: ToolCapability): boolean {
  return held.includes('tool:*') || held.includes(capability);
}

/** What the principal may do: a delegate its own scope, everybody else everything. */
export function effectiveScope(principal: Principal): readonly ToolCapability[] {
  return principal.kind === 'delegate' ? principal.scope : EVERYTHING;
}

/** Without repeats, in the order it is written. */
export function orderedScope(scope: readonly ToolCapability[]): ToolCapability[] {
  return TOOL_CAPABILITIES.filter((capability) => scope.includes(capability));
}

/** The delegates from the nearest the root, and who stands at the root. */
export function chainOf(principal: Principal): { readonly root: Exclude<Principal, Delegate>; readonly delegates: readonly Delegate[] } {
  const delegates: Delegate[] = [];
  let at = principal;
  while (at.kind === 'delegate') {
    delegates.push(at);
    at = at.authorizing;
  }
  return { root: at, delegates: delegates.reverse() };
}

/** Id of the operator the chain ends in; undefined when it ends in somebody else. */
export function rootOperator(principal: Principal): string | undefined {
  const { root } = chainOf(principal);
  return root.kind === 'operator' ? root.id : undefined;
}

export function trustRootId(root: TrustRoot): string {
  switch (root.kind) {
    case 'oidc':
      return root.issuer;
    case 'ado':
      return root.realm;
    case 'git_hub':
      return root.org;
  }
}

function idsOf(root: Exclude<Principal, Delegate>): readonly (readonly [name: string, id: string])[] {
  if (root.kind !== 'federated') return [[root.kind, root.id]];
  return [
    ['trust root', trustRootId(root.trust_root)],
    ['identity', root.identity],
  ];
}

/**
 * Checks a principal that was read or put together [N1, N2]; scopes come out ordered and without repeats.
 *
 * @throws CellError `document.invalid`, its fact `reason` one of `empty-id`, `too-deep`, `not-narrowing` (then `missing` has the capability)
 */
export function checkedPrincipal(principal: Principal): Principal {
  const { root, delegates } = chainOf(principal);
  if (delegates.length > LIMITS.principalDepthMax) throw principalError('too-deep', `it has ${delegates.length} delegates, more than ${LIMITS.principalDepthMax}`);
  for (const [name, id] of [...idsOf(root), ...delegates.map(({ delegate }) => ['delegate', delegate] as const)]) if (id === '') throw principalError('empty-id', `the id of its ${name} is empty`);
  return delegates.reduce<Principal>((authorizing, { delegate, scope }) => narrowed(authorizing, delegate, scope), root);
}

function narrowed(authorizing: Principal, delegate: string, scope: readonly ToolCapability[]): Delegate {
  const held = effectiveScope(authorizing);
  const ordered = orderedScope(scope);
  const missing = ordered.find((capability) => !holds(held, capability));
  if (missing !== undefined) throw principalError('not-narrowing', `the delegate "${delegate}" asks for ${missing}, which whoever authorises it does not hold`, { missing });
  return { kind: 'delegate', authorizing, delegate, scope: ordered };
}

/** A delegate of `authorizing` with a part of its scope. @throws CellError `document.invalid`, as `checkedPrincipal` */
export function delegateTo(authorizing: Principal, delegate: string, scope: readonly ToolCapability[]): Principal {
  return checkedPrincipal({ kind: 'delegate', authorizing, delegate, scope });
}

/** @throws CellError `document.invalid`, its fact `reason` `shape` or as `checkedPrincipal` */
export function parsePrincipal(value: JsonValue): Principal {
  const { value: principal, errors } = decode(PRINCIPAL, value);
  const [first] = errors.list;
  if (principal === undefined || first !== undefined) throw principalError('shape', `${first === undefined ? '' : `${renderPath(first.path)} ${first.message}`}`);
  return checkedPrincipal(principal);
}

/** Compact JSON, members and scopes in the reference's order. */
export function principalText(principal: Principal): string {
  return encodeText(PRINCIPAL, checkedPrincipal(principal));
}
