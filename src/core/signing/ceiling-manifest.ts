/** The organisation's ceiling of authority, as it stands inside a signed envelope (reference/01 §2.4, reference/02 §6.5). */
import type { Bytes } from '../../base/bytes.ts';
import type { AuthorityCapability } from '../spec/document.ts';
import { readTyped } from '../spec/read-typed.ts';
import { CEILING_MANIFEST } from '../spec/wire-types.ts';

export interface CeilingManifest {
  readonly ceilingId: string;
  /** Rises with every manifest. */
  readonly ceilingEpoch: bigint;
  /** None: nothing is allowed. */
  readonly ceilings: readonly { readonly name: string; readonly ceiling: AuthorityCapability }[];
}

/** @throws CellError `json.invalid` | `document.invalid` */
export function parseCeilingManifest(payload: Bytes): CeilingManifest {
  const { ceilingId, ceilingEpoch, ceilings } = readTyped(CEILING_MANIFEST, payload, 'the authority ceiling');
  return { ceilingId, ceilingEpoch: BigInt(ceilingEpoch), ceilings };
}
