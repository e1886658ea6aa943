/** Principals on the wire (reference/01 §7): JSON tagged by `kind`. What is checked of them is in `principal.ts`. */
import { lazy, record, required, setOf, type Shape, STRING, tagged } from '../spec/shape.ts';

/** In the order a scope is written. */
export const TOOL_CAPABILITIES = ['tool:apply', 'tool:get', 'tool:logs', 'tool:events', 'tool:*'] as const;
export type ToolCapability = (typeof TOOL_CAPABILITIES)[number];

/** Who vouches for a federated identity. `git_hub` in JSON is `github` in a URI. */
export type TrustRoot = { readonly kind: 'oidc'; readonly issuer: string } | { readonly kind: 'ado'; readonly realm: string } | { readonly kind: 'git_hub'; readonly org: string };

export type Delegate = { readonly kind: 'delegate'; readonly authorizing: Principal; readonly delegate: string; readonly scope: readonly ToolCapability[] };
export type Principal = { readonly kind: 'operator' | 'platform'; readonly id: string } | Delegate | { readonly kind: 'federated'; readonly trust_root: TrustRoot; readonly identity: string };

export const TRUST_ROOT = tagged<TrustRoot>({ oidc: record({ issuer: required(STRING) }), ado: record({ realm: required(STRING) }), git_hub: record({ org: required(STRING) }) });

const NAMED = record({ id: required(STRING) });
export const PRINCIPAL: Shape<Principal> = tagged<Principal>({
  operator: NAMED as never,
  platform: NAMED as never,
  delegate: record({ authorizing: required(lazy(() => PRINCIPAL)), delegate: required(STRING), scope: required(setOf(...TOOL_CAPABILITIES)) }),
  federated: record({ trust_root: required(TRUST_ROOT), identity: required(STRING) }),
});
