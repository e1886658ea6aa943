/**
 * Where secret values come from. A broker never logs, and an empty value is an error.
 */
import type { Secret } from '../base/secret.ts';

/** Where the caller says a secret is to be had. */
export type SecretSource = { readonly broker: 'env'; readonly key: string } | { readonly broker: 'file'; readonly path: string };

export interface SecretLease extends AsyncDisposable {
  /** Opaque, not secret; names the lease in the evidence. */
  readonly leaseId: string;
  readonly ref: string;
  /** The value now. Each call is one use. @throws CellError `secret.missing` | `secret.broker` once revoked or expired */
  read(options: { signal: AbortSignal }): Promise<Secret>;
  /** Idempotent. @returns how the lease ended */
  revoke(): Promise<'revoked' | 'expired' | 'revocation-failed'>;
}

export interface SecretBroker {
  readonly name: 'env' | 'file' | 'memory';
  /** @throws CellError `secret.missing` (absent or empty) | `secret.broker` */
  lease(ref: string, options: { ttlMs: number; signal: AbortSignal }): Promise<SecretLease>;
}
