/** A cell made by the library, one command run, the cell ended and sealed; against the same namespaces by a bare bubblewrap spawned from Node. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Cell } from '../src/index.ts';
import { BARE_BWRAP } from './cold-start.ts';
import { inTurns, line } from './pairs.ts';

function bare(): Promise<void> {
  const [program = '', ...args] = [...BARE_BWRAP, 'true'];
  return new Promise((resolve, reject) => {
    spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} }).once('error', reject).once('close', (code) => (code === 0 ? resolve() : reject(new Error(`bwrap ended with ${code}`))));
  });
}

export async function measure(options: { pairs: number; print: (text: string) => void }): Promise<void> {
  const state = mkdtempSync(`${tmpdir()}/cellos-bench-`);
  try {
    const whole = async (): Promise<void> => {
      await using cell = await Cell.create({ stateDir: `${state}/state` });
      const result = await cell.exec(['true']);
      if (result.exitCode !== 0) throw new Error(`true ended with ${result.exitCode}`);
    };
    options.print(line(await inTurns('library: create, exec true, close and seal / bare bwrap', options.pairs, whole, bare)));
    const open: Cell[] = [];
    const createToExit = async (): Promise<void> => {
      const cell = await Cell.create({ stateDir: `${state}/state` });
      open.push(cell);
      const { exitCode } = await cell.exec(['true']);
      if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`);
    };
    const closeAll = async (): Promise<void> => {
      for (const cell of open.splice(0)) await cell.close();
    };
    const paired = await inTurns('library: create → exit of true / bare bwrap', options.pairs, createToExit, bare, closeAll);
    options.print(line(paired, 'at most 2×'));
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}
