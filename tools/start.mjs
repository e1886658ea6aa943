// npm start: set-up, then a real cell and the verdict on its evidence.
import { spawnSync } from 'node:child_process';
import { setup } from './setup.mjs';

const env = setup();
const cellos = (...args) => {
  console.log(`$ cellos ${args.join(' ')}`);
  return spawnSync('bin/cellos', args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status;
};
const evidence = `build/demo-${Date.now()}`;
process.exitCode = cellos('run', '--evidence', evidence, '--', 'sh', '-c', 'echo hello from a cell; id') || cellos('verify', evidence);
