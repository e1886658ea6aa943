// breaks arrows: guarded-child_process
import { spawn } from 'node:child_process';
export const start = spawn;
