// breaks compiler: Cannot find name 'node:fs'
import { readFileSync } from 'node:fs';
export const read = (): string => readFileSync('/etc/passwd', 'utf8');
