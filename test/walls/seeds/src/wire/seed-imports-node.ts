// breaks arrows: pure-no-node
import { readFileSync } from 'node:fs';
export const read = readFileSync;
