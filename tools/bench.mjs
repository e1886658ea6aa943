// npm run bench: set-up (it bundles the programs when a source is newer), then the measurements.
import { spawnSync } from 'node:child_process';
import { nodeBin, setup } from './setup.mjs';

const env = setup();
process.exitCode = spawnSync(`${nodeBin}/node`, ['--conditions=cellos-source', 'bench/run.ts', ...process.argv.slice(2)], { stdio: 'inherit', env }).status ?? 1;
