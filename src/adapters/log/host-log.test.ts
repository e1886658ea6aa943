import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { parseCheckpoint, signCheckpoint } from '../../core/evidence/checkpoint.ts';
import { leafHash, MerkleFrontier } from '../../core/evidence/merkle.ts';
import type { NoteSigner } from '../../core/evidence/signed-note.ts';
import { checkTiles, type TileAt, TileNodes, tilePath, TiledTree } from '../../core/evidence/tiles.ts';
import type { HostLog, LogHead } from '../../ports/host-log.ts';
import { hostLogContract } from '../../testing/contracts/host-log.ts';
import { type HostLogOptions, openHostLog } from './host-log.ts';
import { logFilesIn } from './log-files.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-log-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => {
  folders += 1;
  return `${root}/${folders}`;
};

const origin = 'cellos.dev/log/h/1';
const signerOf = (seed: number): NoteSigner => {
  const key = ed25519SigningKey(new Uint8Array(32).fill(seed));
  return { key: { name: origin, publicKey: key.publicKey }, sign: key.sign };
};
const signer = signerOf(1);
const open = (path: string, more: Partial<HostLogOptions> = {}): HostLog => openHostLog({ files: logFilesIn(path), origin, signers: [signer], verifiers: [signer.key], ...more });
const leaf = (n: number): Uint8Array => leafHash(utf8(`entry ${n}`));
const leaves = (from: number, count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => leaf(from + n));
const damaged = expect.objectContaining({ code: 'evidence.invalid' });

async function grow(path: string, ...steps: readonly number[]): Promise<LogHead[]> {
  const log = open(path);
  const heads: LogHead[] = [];
  for (const step of steps) {
    log.append(leaves(Number(log.size), step));
    const done = await log.publish();
    heads.push(done.kind === 'published' ? done.head : expect.fail('stale'));
  }
  return heads;
}

/** One leaf more, published as a writer of another process does, without waiting. @returns the size */
function publishAtOnce(path: string, size: bigint): bigint {
  const files = logFilesIn(path);
  const tree = new TiledTree(size, new TileNodes((tile) => files.read(tilePath(tile)) ?? expect.fail('no tile')));
  tree.append(leaf(Number(size)));
  for (const tile of tree.tiles()) {
    files.write(tilePath(tile), tile.bytes);
    if (tile.width === 256) files.remove(`${tilePath(tile)}.p`);
  }
  const note = signCheckpoint({ origin, size: tree.size, root: tree.root(), extensions: [] }, [signer]);
  const number = Math.max(...files.list('heads').map(Number)) + 1;
  files.create(`heads/${String(number).padStart(12, '0')}`, note);
  files.writeCopy('checkpoint', note);
  for (const name of files.list('heads')) if (Number(name) <= number - LIMITS.logHeadsKept) files.remove(`heads/${name}`);
  return tree.size;
}

/** All files beneath a folder, by their relative paths. */
function filesIn(path: string, under = ''): string[] {
  return readdirSync(`${path}/${under}`).sort().flatMap((name) => (statSync(`${path}/${under}${name}`).isDirectory() ? filesIn(path, `${under}${name}/`) : [`${under}${name}`]));
}

const tileReader = (path: string) => (tile: TileAt): Uint8Array => logFilesIn(path).read(tilePath(tile)) ?? logFilesIn(path).read(tilePath({ ...tile, width: 256 })) ?? expect.fail('no tile');

describe('a host log in a folder keeps the contract of a host log', () => {
  const make = () => {
    const path = newFolder();
    const other = ed25519SigningKey(new Uint8Array(32).fill(9));
    const witness = { name: 'witness', algorithm: 'cosignature-v1', publicKey: other.publicKey } as const;
    return { open: () => open(path, { verifiers: [signer.key, witness] }), verifiers: [signer.key, witness], witness: (timestamp: bigint) => ({ key: witness, timestamp, sign: other.sign }) };
  };
  for (const { name, run } of hostLogContract(make)) it(name, run);
});

describe('openHostLog()', () => {
  it('leaves the files that C2SP tlog-tiles names, for its own user alone, and takes partial tiles away when they are full', async () => {
    const path = newFolder();
    await grow(path, 3, 2, 251, 300);
    expect(filesIn(path)).toEqual(['checkpoint', ...[1, 2, 3, 4].map((n) => `heads/${String(n).padStart(12, '0')}`), 'tile/0/000', 'tile/0/001', 'tile/0/002.p/44', 'tile/1/000.p/1', 'tile/1/000.p/2']);
    for (const name of filesIn(path)) expect(statSync(`${path}/${name}`).mode & 0o777, name).toBe(0o600);
    for (const folder of ['', 'heads', 'tile', 'tile/0', 'tile/1/000.p']) expect(statSync(`${path}/${folder}`).mode & 0o777).toBe(0o700);
    expect(parseCheckpoint(readFileSync(`${path}/checkpoint`), [signer.key]).size).toBe(556n);
    expect(toHex(readFileSync(`${path}/tile/0/002.p/44`))).toBe(leaves(512, 44).map(toHex).join(''));
  });

  it('keeps the last few checkpoints, and a writer that was away for longer is stale all the same [X1]', async () => {
    const path = newFolder();
    await grow(path, 1);
    const away = open(path);
    away.append([leaf(500)]);
    const log = open(path);
    for (let n = 1; n <= LIMITS.logHeadsKept + 4; n += 1) {
      log.append([leaf(n)]);
      await log.publish();
    }
    expect(readdirSync(`${path}/heads`).length).toBe(LIMITS.logHeadsKept);
    const before = filesIn(path);
    expect(await away.publish()).toEqual({ kind: 'stale' });
    expect(filesIn(path)).toEqual(before);
    checkTiles(open(path).head as LogHead, tileReader(path));
  });

  it('lets two that do not see each other publish a number once [X1]', async () => {
    const path = newFolder();
    await grow(path, 1);
    // The second begins to publish, and the first finishes in between: what a lock would have kept apart.
    const files = logFilesIn(path);
    const first = open(path);
    first.append([leaf(1)]);
    let interrupted = false;
    const second = openHostLog({
      files: { ...files, create: (name, bytes) => { if (!interrupted) writeFileSync(`${path}/${name}`, first.head?.note ?? ''); interrupted = true; return files.create(name, bytes); } },
      origin, signers: [signer], verifiers: [signer.key],
    });
    second.append([leaf(1)]);
    expect(await second.publish()).toEqual({ kind: 'stale' });
    expect(interrupted).toBe(true);
  });

  it('is opened while another writer publishes, at whichever step of it', async () => {
    const path = newFolder();
    await grow(path, 200);
    for (let step = 1; step <= 8; step += 1) {
      const other = open(path);
      const files = logFilesIn(path);
      // What another process does between two looks of this one, done at once: 20 checkpoints, so that the first seen is gone.
      let looks = 0;
      let size = other.size;
      const meanwhile = <T>(look: () => T): T => {
        looks += 1;
        if (looks !== step) return look();
        for (let n = 0; n < LIMITS.logHeadsKept + 4; n += 1) size = publishAtOnce(path, size);
        return look();
      };
      const log = openHostLog({ files: { ...files, read: (name) => meanwhile(() => files.read(name)), list: (name) => meanwhile(() => files.list(name)) }, origin, signers: [signer], verifiers: [signer.key] });
      expect(log.size === other.size || log.size === size, `step ${step}`).toBe(true);
      expect(open(path).size).toBe(size);
    }
  });

  it('takes its checkpoint back when its number turns out to be an old one [X1]', async () => {
    const path = newFolder();
    await grow(path, 1);
    const files = logFilesIn(path);
    const late = openHostLog({
      files: { ...files, create: (name, bytes) => { writeFileSync(`${path}/heads/000000000099`, 'by others, who have taken the numbers between away'); return files.create(name, bytes); } },
      origin, signers: [signer], verifiers: [signer.key],
    });
    late.append([leaf(1)]);
    expect(await late.publish()).toEqual({ kind: 'stale' });
    expect(readdirSync(`${path}/heads`)).toEqual(['000000000001', '000000000099']);
  });

  it('writes what has changed, and nothing more', async () => {
    const path = newFolder();
    await grow(path, 300);
    const written: string[] = [];
    const files = logFilesIn(path);
    const log = openHostLog({ files: { ...files, write: (name, bytes) => { written.push(name); files.write(name, bytes); } }, origin, signers: [signer], verifiers: [signer.key] });
    for (const step of [1, 0, 211, 1]) {
      log.append(leaves(Number(log.size), step));
      await log.publish();
    }
    expect(written).toEqual(['tile/0/001.p/45', 'tile/0/001', 'tile/1/000.p/2', 'tile/0/002.p/1']);
  });

  it('goes on under the next key, and reads what the one before signed', async () => {
    const path = newFolder();
    await grow(path, 2);
    const next = signerOf(2);
    expect(() => open(path, { signers: [next], verifiers: [next.key] })).toThrow(damaged);
    const log = open(path, { signers: [next], verifiers: [next.key, signer.key] });
    log.append([leaf(2)]);
    expect((await log.publish()).kind).toBe('published');
    expect(parseCheckpoint(readFileSync(`${path}/checkpoint`), [next.key]).size).toBe(3n);
    // A key that the log itself could not read back is not signed with [X3].
    const wrong = open(path, { signers: [signer], verifiers: [next.key] });
    wrong.append([leaf(3)]);
    await expect(wrong.publish()).rejects.toThrow(expect.objectContaining({ code: 'signature.invalid' }));
    expect(open(path, { verifiers: [next.key] }).size).toBe(3n);
  });

  it('refuses a log that was put back, or is known to have had other leaves [X3]', async () => {
    const path = newFolder();
    const nothing = { size: 0n, root: new MerkleFrontier().root() };
    expect(open(path, { known: nothing }).size).toBe(0n);
    expect(() => open(path, { known: { size: 0n, root: leaf(0) } })).toThrow(damaged);
    const [old, now] = (await grow(path, 5, 300)) as [LogHead, LogHead];
    for (const known of [old, now, nothing]) expect(open(path, { known }).size).toBe(305n);
    expect(() => open(path, { known: { size: 306n, root: now.root } })).toThrow(damaged);
    expect(() => open(path, { known: { size: 5n, root: now.root } })).toThrow(damaged);
    for (const torn of ['', 'x', new TextDecoder().decode(now.note).slice(0, -9)]) {
      writeFileSync(`${path}/checkpoint`, torn); // as a power cut may leave the copy
      expect(open(path).size).toBe(305n);
    }
    await grow(path, 0);
    expect(toHex(readFileSync(`${path}/checkpoint`))).toBe(toHex(now.note));
    rmSync(`${path}/heads/000000000002`);
    expect(() => open(path)).toThrow(damaged); // a later one was given out
    rmSync(`${path}/heads`, { recursive: true });
    expect(() => open(path)).toThrow(damaged);
  });

  it('refuses a checkpoint that is not its own, changed, or of another log [X3]', async () => {
    const path = newFolder();
    const [head] = (await grow(path, 5)) as [LogHead];
    const place = `${path}/heads/000000000001`;
    const other = signCheckpoint({ origin: 'cellos.dev/log/other/1', size: 5n, root: head.root, extensions: [] }, [{ ...signer, key: { ...signer.key, name: 'cellos.dev/log/other/1' } }]);
    const notes = [Uint8Array.of(), head.note.map((byte, at) => (at === 20 ? byte ^ 1 : byte)), other, signCheckpoint({ origin, size: 4n, root: head.root, extensions: [] }, [signer]), signCheckpoint({ origin, size: 5n, root: leaf(0), extensions: [] }, [signer]), signCheckpoint({ origin, size: 500n, root: head.root, extensions: [] }, [signer]), signCheckpoint({ origin, size: 5n, root: head.root, extensions: [] }, [signerOf(2)])];
    for (const note of notes) {
      writeFileSync(place, note);
      expect(() => open(path)).toThrow(damaged);
    }
    writeFileSync(place, other);
    expect(() => open(path, { verifiers: [signer.key, { ...signer.key, name: 'cellos.dev/log/other/1' }] })).toThrow(damaged); // of a log that is known, and not this one
    writeFileSync(place, head.note);
    expect(open(path).size).toBe(5n);
    rmSync(place);
    symlinkSync('/etc/hostname', place);
    expect(() => open(path)).toThrow(damaged);
  });

  it('says what the disk refuses, and is then of no more use [X4]', async () => {
    const path = newFolder();
    const log = open(path);
    log.append([leaf(0)]);
    writeFileSync(`${path}/tile`, 'in the way');
    const refused = expect.objectContaining({ code: 'evidence.unwritable' });
    await expect(log.publish()).rejects.toThrow(refused);
    rmSync(`${path}/tile`);
    await expect(log.publish()).rejects.toThrow(refused);
    expect(() => log.append([leaf(1)])).toThrow(refused);
    expect((await grow(path, 1)).map(({ size }) => size)).toEqual([1n]);
  });

  it('takes away the unfinished files of writers that died, and leaves what it does not know [X2]', async () => {
    const path = newFolder();
    await grow(path, 300);
    const unfinished = ['checkpoint.1.1.part', 'heads/000000000002.77.3.part', 'tile/0/001.77.1.part', 'tile/0/001.p/60.77.2.part', 'tile/1/000.p/2.77.4.part'];
    for (const name of [...unfinished, 'notes.txt']) writeFileSync(`${path}/${name}`, 'x');
    await grow(path, 1);
    for (const name of unfinished) expect(existsSync(`${path}/${name}`), name).toBe(false);
    expect(existsSync(`${path}/notes.txt`)).toBe(true);
  });

  it('refuses a folder that others can reach', async () => {
    const path = newFolder();
    await grow(path, 1);
    chmodSync(path, 0o755);
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'state.unusable' }));
  });
});

describe('tiles that are not what they were', () => {
  it('at the right edge are found when the log is opened; all others when they are used, and by a check of them all', async () => {
    const path = newFolder();
    const head = (await grow(path, 300, 300)).at(-1) as LogHead;
    checkTiles(head, tileReader(path));
    const edge = new Set(['tile/0/002.p/88', 'tile/1/000.p/2']);
    for (const name of filesIn(path).filter((one) => one.startsWith('tile/') && !/p\/(1|44)$/.test(one))) {
      const good = readFileSync(`${path}/${name}`);
      const changes: (() => void)[] = [() => rmSync(`${path}/${name}`), () => truncateSync(`${path}/${name}`, good.byteLength - 32), () => truncateSync(`${path}/${name}`, 0), ...[0, good.byteLength - 1].map((at) => () => writeFileSync(`${path}/${name}`, good.map((byte, n) => (n === at ? byte ^ 1 : byte))))];
      for (const change of changes) {
        change();
        expect(() => checkTiles(head, (tile) => logFilesIn(path).read(tilePath(tile)) ?? new Uint8Array(0)), name).toThrow(damaged);
        if (edge.has(name)) expect(() => open(path), name).toThrow(damaged);
        else {
          const log = open(path);
          const at = BigInt(Number(/(\d+)$/.exec(name)?.[1])) * 256n;
          for (const index of [at, at + 255n]) expect(() => log.inclusionProof(index), `${name} ${index}`).toThrow(damaged);
          expect(() => log.consistencyProof(at + 100n)).toThrow(damaged);
          // Of an older tree, whose root is made of the same tiles.
          expect(() => log.inclusionProof(at, at + 300n), name).toThrow(damaged);
          expect(() => log.consistencyProof(at + 10n, at + 300n), name).toThrow(damaged);
        }
        writeFileSync(`${path}/${name}`, good);
      }
    }
    checkTiles(open(path).head as LogHead, tileReader(path));
  });
});
