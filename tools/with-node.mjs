// Runs one of our tools with the Node this project needs, after set-up: `node tools/with-node.mjs FILE args…`. Plain JavaScript for the Node that is here.
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { nodeBin, setup } from './setup.mjs';

const env = setup();
const { status, signal } = spawnSync(`${nodeBin}/node`, process.argv.slice(2), { stdio: 'inherit', env });
process.exitCode = status ?? 128 + (constants.signals[signal] ?? 0);
