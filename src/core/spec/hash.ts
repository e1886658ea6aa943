/** The canonical spec hash (reference/01 §4.2): SHA-256 over the typed spec in declaration order; `apiVersion` and `kind` are not covered. */
import { type Digest, digestOfText } from '../../base/crypto.ts';
import type { ExecutionCellSpec } from './document.ts';
import { EXECUTION_CELL_SPEC } from './document-shape.ts';
import { encodeText } from './encode.ts';

/** The exact text that is hashed. */
export function canonicalSpecText(spec: ExecutionCellSpec): string {
  return encodeText(EXECUTION_CELL_SPEC, spec);
}

export function canonicalSpecHash(spec: ExecutionCellSpec): Digest {
  return digestOfText(canonicalSpecText(spec));
}
