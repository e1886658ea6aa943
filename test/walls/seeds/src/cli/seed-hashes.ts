// breaks arrows: guarded-crypto
import { createHash } from 'node:crypto';
export const hash = createHash;
