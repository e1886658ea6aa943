/** All walls, one line each: `npm run check`. Exits 1 when one of them is broken. The walls run side by side; each prints what it found. */
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

interface Wall {
  readonly name: string;
  readonly args: readonly string[];
}

export const WALLS: readonly Wall[] = [
  { name: 'compiler', args: ['node_modules/.bin/tsc', '-b', 'tsconfig/layers.json'] },
  { name: 'arrows', args: ['node_modules/.bin/depcruise', 'src', '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long'] },
  { name: 'lint', args: ['node_modules/.bin/biome', 'lint', '--error-on-warnings', '--max-diagnostics=200'] },
  { name: 'tidy', args: ['tools/tidy.ts'] },
];

interface Result {
  readonly ok: boolean;
  readonly output: string;
  readonly ms: number;
}

/** Runs one wall over the tree in `cwd`. */
export function runWall(wall: Wall, cwd: string): Promise<Result> {
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, wall.args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
    child.once('error', (error) => resolve({ ok: false, output: error.message, ms: performance.now() - start }));
    child.once('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim(), ms: performance.now() - start }));
  });
}

async function main(): Promise<number> {
  const results = await Promise.all(WALLS.map(async (wall) => ({ wall, ...(await runWall(wall, process.cwd())) })));
  for (const { ok, output } of results) if (!ok) console.log(`${output}\n`);
  for (const { wall, ok, ms } of results) console.log(`${ok ? 'ok    ' : 'BROKEN'} ${wall.name} (${(ms / 1000).toFixed(1)} s)`);
  return results.every((result) => result.ok) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
