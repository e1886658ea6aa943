/** Runs a program of the host that says something short about itself, without an environment, and hands back what it said. */
import { startProcess } from './process.ts';

const KEPT = 4096;

export interface CommandSaid {
  /** null: it was ended by a signal, ours when it took too long. */
  readonly code: number | null;
  /** stdout and stderr together, at most 4 KiB. */
  readonly text: string;
}

export async function commandOutput(program: string, args: readonly string[], timeoutMs: number): Promise<CommandSaid> {
  const process = startProcess({ program, args, env: {}, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const ends = [1, 2].map(
    (fd) =>
      new Promise<void>((resolve) => {
        const stream = process.channel(fd);
        stream.setEncoding('utf8');
        stream.on('data', (chunk: string) => {
          if (text.length < KEPT) text += chunk.slice(0, KEPT - text.length);
        });
        stream.once('close', resolve);
        stream.once('error', () => resolve());
      }),
  );
  const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
  const { code, error } = await process.exited;
  clearTimeout(timer);
  if (error !== undefined) return { code: 127, text: error.message };
  await Promise.all(ends);
  return { code, text };
}
