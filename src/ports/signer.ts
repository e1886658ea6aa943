/** Signs bytes with one key of one purpose. Implementations hold the key; callers never see it. */
import type { Bytes } from '../base/bytes.ts';

export interface Signer {
  readonly kid: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256';
  /** Raw 32 bytes for Ed25519; SubjectPublicKeyInfo DER for P-256. */
  readonly publicKey: Bytes;
  /** @throws CellError `signer.unavailable` */
  sign(message: Bytes): Bytes;
}
