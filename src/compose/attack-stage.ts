/**
 * What the host holds ready for an attack, and whether it is untouched afterwards: a file, folders to show, listeners, shared memory.
 * Everything is made in a private folder and removed with it; nothing listens beyond loopback.
 */
import { chmodSync, chownSync, copyFileSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { startProcess } from '../adapters/os/process.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { toHex } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';
import type { ShownFolder, StageName } from '../attacks/attack.ts';

/** Owner of the setuid program: nobody on this host, and mapped to nobody in the cell. */
const SETUID_OWNER = 4242;
const SPECIAL_BITS = 0o7000;

export interface AttackStage extends AsyncDisposable {
  readonly folder: string;
  readonly values: ReadonlyMap<StageName, string>;
  /** The secret a cell is given, and the file it comes from. */
  readonly secret: { readonly value: string; readonly path: string };
  shown(name: ShownFolder): string;
  /** What is not as it was made. */
  disturbed(): readonly string[];
}

interface Listener {
  readonly server: Server;
  connections: number;
}

async function listen(target: string | { host: string; port: number }): Promise<Listener> {
  const listener: Listener = { server: createServer(), connections: 0 };
  listener.server.on('connection', (socket) => {
    listener.connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    listener.server.once('error', reject);
    listener.server.listen(target, resolve);
  });
  return listener;
}

/** Runs one of the host's own tools to its end. */
async function tool(program: string, args: readonly string[]): Promise<string> {
  const child = startProcess({ program, args, env: { LANG: 'C' }, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  for await (const chunk of child.channel(1)) said += String(chunk);
  const { code, error } = await child.exited;
  if (code !== 0) throw new CellError('backend.failed', `Cannot prepare the attacks: ${program} ${args.join(' ')} failed; install the package util-linux`, { cause: error });
  return said;
}

async function makeQueue(kind: readonly string[]): Promise<string> {
  const id = /(\d+)\s*$/.exec(await tool('/usr/bin/ipcmk', kind))?.[1];
  if (id === undefined) throw new CellError('backend.failed', 'Cannot prepare the attacks: ipcmk names no id');
  return id;
}

function makeFolders(folder: string, attackProgram: string, canary: string): void {
  writeFileSync(`${folder}/canary`, canary, { mode: 0o644 });
  for (const name of ['ro', 'rw', 'setuid']) mkdirSync(`${folder}/${name}`, { mode: 0o755 });
  writeFileSync(`${folder}/ro/file`, canary);
  symlinkSync(`${folder}/canary`, `${folder}/ro/out`);
  writeFileSync(`${folder}/rw/own`, 'mine');
  // In a folder that is 0700: nobody of this host can come near it.
  copyFileSync(attackProgram, `${folder}/setuid/cellos-attack`);
  if (process.geteuid?.() === 0) chownSync(`${folder}/setuid/cellos-attack`, SETUID_OWNER, SETUID_OWNER);
  chmodSync(`${folder}/setuid/cellos-attack`, 0o6755);
}

function fileFaults(folder: string, canary: string): string[] {
  const faults: string[] = [];
  if (readFileSync(`${folder}/canary`, 'utf8') !== canary || readFileSync(`${folder}/ro/file`, 'utf8') !== canary) faults.push('a file of the host was changed');
  if (readdirSync(`${folder}/ro`).toSorted().join() !== 'file,out') faults.push('a read-only folder of the host was changed');
  for (const name of readdirSync(`${folder}/rw`)) {
    const { mode } = lstatSync(`${folder}/rw/${name}`);
    if ((mode & SPECIAL_BITS) !== 0) faults.push(`${name} was left with the mode ${(mode & 0o7777).toString(8)} in a folder of the host`);
    if (!lstatSync(`${folder}/rw/${name}`).isFile()) faults.push(`${name} was left in a folder of the host, and is no plain file`);
  }
  return faults;
}

/** @param attackProgram the program whose copy is made setuid */
export async function openAttackStage(attackProgram: string): Promise<AttackStage> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(`${tmpdir()}/cellos-stage-`);
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const word = toHex(systemRandom.bytes(16));
  const canary = `canary-${word}`;
  makeFolders(folder, attackProgram, canary);
  const secret = { value: toHex(systemRandom.bytes(16)), path: `${folder}/secret` };
  writeFileSync(secret.path, secret.value, { mode: 0o600 });
  const shmFile = `/dev/shm/cellos-stage-${word}`;
  writeFileSync(shmFile, canary, { mode: 0o644 });
  opened.defer(() => rmSync(shmFile, { force: true }));
  const listeners = [await listen(`${folder}/host.sock`), await listen(`\0cellos-stage-${word}`), await listen({ host: '127.0.0.1', port: 0 })] as const;
  for (const { server } of listeners) opened.defer(() => void server.close());
  const shmId = await makeQueue(['-M', '4096']);
  opened.defer(async () => void (await tool('/usr/bin/ipcrm', ['-m', shmId])));
  const msgId = await makeQueue(['-Q']);
  opened.defer(async () => void (await tool('/usr/bin/ipcrm', ['-q', msgId])));
  const address = listeners[2].server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const resources = opened.move();
  return {
    folder,
    secret,
    values: new Map<StageName, string>([['canary', `${folder}/canary`], ['unixSocket', `${folder}/host.sock`], ['abstractName', `cellos-stage-${word}`], ['tcpPort', String(port)], ['hostPid', String(process.pid)], ['shmId', shmId], ['msgId', msgId], ['shmFile', shmFile]]),
    shown: (name) => `${folder}/${name}`,
    disturbed: () => [...fileFaults(folder, canary), ...listeners.filter(({ connections }) => connections > 0).map(({ connections }) => `a listener of the host was reached ${connections} times`)],
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
