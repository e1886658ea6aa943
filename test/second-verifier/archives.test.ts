/** Bundle archives, by both verifiers, each reading them by its own code. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { tarBundle } from '../../src/adapters/os/bundle-files.ts';
import { askBoth, textOf } from './differ.ts';
import { draft, makeBundle, TRUST } from './drafts.ts';
import { Random } from './mutate.ts';
import { readArchive } from './tar.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-archives-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Entry {
  readonly path: string;
  readonly bytes: Buffer;
  /** Offset in the header → text. */
  readonly header?: { readonly [at: number]: string };
}

const FILES: readonly Entry[] = [...makeBundle(draft({ events: [], files: { 'artifacts/HEX': 'x' } }))].map(([path, bytes]) => ({ path, bytes }));
const BELOW: readonly Entry[] = [...makeBundle(draft({ events: [], files: { 'below/file': 'x' } }))].map(([path, bytes]) => ({ path, bytes }));
const NONE = Buffer.alloc(0);
const folderEntry = (path: string): Entry => ({ path, bytes: NONE, header: { 156: '5' } });
const below = (prefix: string, entries = FILES): Entry[] => entries.map((entry) => ({ ...entry, path: `${prefix}${entry.path}` }));
const withHeader = (header: Entry['header'] & object): Entry[] => FILES.map((entry, i) => (i === 2 ? { ...entry, header } : entry));

function summed(header: Buffer): Buffer {
  header.write('        ', 148);
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function archiveOf(entries: readonly Entry[], endBytes = 1024): Buffer {
  const blocks = entries.flatMap(({ path, bytes, header: rest = {} }) => {
    const header = Buffer.alloc(512);
    const fields = { 0: path, 100: '0000600\0', 108: '0000000\0', 116: '0000000\0', 124: `${bytes.byteLength.toString(8).padStart(11, '0')}\0`, 136: '15000000000\0', 156: '0', 257: 'ustar\x0000', ...rest };
    for (const [at, text] of Object.entries(fields)) header.write(text, Number(at), Number(at) === 0 ? 'utf8' : 'latin1');
    return [summed(header), bytes, Buffer.alloc((512 - (bytes.byteLength % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(endBytes)]);
}

async function judge(archive: Buffer): Promise<{ first: string; second: string }> {
  writeFileSync(`${folder}/bundle.tar`, archive);
  const { first, second } = await askBoth({ files: readArchive(archive), trust: TRUST }, tarBundle(`${folder}/bundle.tar`));
  return { first: textOf(first), second: textOf(second) };
}

const CASES: readonly (readonly [name: string, archive: Buffer, verdict: string])[] = [
  ['plain', archiveOf(FILES), 'complete'],
  ['all paths begin with ./', archiveOf(below('./')), 'complete'],
  ['all paths begin with a folder', archiveOf([folderEntry('x/'), ...below('x/')]), 'complete'],
  ['all paths begin with ././ and a folder', archiveOf(below('././x/')), 'complete'],
  ['two leading folders: nothing is where it has to be', archiveOf(below('x/y/')), 'incomplete-tail'],
  ['the leading folder is a prefix', archiveOf(FILES.map((entry) => ({ ...entry, header: { 345: 'x' } }))), 'complete'],
  ['one file outside of the leading folder', archiveOf([...FILES.slice(0, 1), ...below('x/', FILES.slice(1))]), 'tampered'],
  ['an absolute path', archiveOf(below('/')), 'tampered'],
  ['a path with ..', archiveOf(below('x/../')), 'tampered'],
  ['a file twice', archiveOf([...FILES, ...FILES.slice(2, 3)]), 'tampered'],
  ['a file twice, in two spellings', archiveOf([...FILES, ...below('./', FILES.slice(0, 1))]), 'tampered'],
  ['folders, some twice', archiveOf([folderEntry('./'), folderEntry('./'), folderEntry('artifacts/'), folderEntry('artifacts'), ...FILES]), 'complete'],
  ['an empty folder more', archiveOf([...FILES, folderEntry('more/')]), 'tampered'],
  ['an empty folder, where a run never began', archiveOf([folderEntry('more/')]), 'tampered'],
  ['a folder with attested files below it', archiveOf([folderEntry('below/'), ...BELOW]), 'tampered'],
  ['attested files in a folder that has no entry', archiveOf(BELOW), 'complete'],
  ['an empty folder beside the leading one', archiveOf([folderEntry('artifacts/'), ...below('x/')]), 'tampered'],
  ['a folder named .', archiveOf([folderEntry('.'), ...FILES]), 'tampered'],
  ['a folder with bytes', archiveOf([{ path: 'artifacts/', bytes: Buffer.from('x'), header: { 156: '5' } }, ...FILES]), 'tampered'],
  ['a file named as a folder', archiveOf([...FILES, { path: 'more/', bytes: NONE }]), 'tampered'],
  ['a name that is no UTF-8', archiveOf([...FILES, { path: '', bytes: NONE, header: { 1: '\xff' } }]), 'tampered'],
  ...['\0', '1', '2', '7', 'g', 'x', 'L', 'K', 'S'].map((type): [string, Buffer, string] => [`an entry of type ${JSON.stringify(type)}`, archiveOf(withHeader({ 156: type })), 'tampered']),
  ['a size that ends with a space', archiveOf([...FILES.slice(0, 3), ...FILES.slice(3).map((entry) => ({ ...entry, header: { 135: ' ' } }))]), 'complete'],
  ['a size without an end', archiveOf(withHeader({ 124: '000000000000' })), 'tampered'],
  ['a size in binary', archiveOf(withHeader({ 124: '\x80\0\0\0\0\0\0\0\0\0\0\0' })), 'tampered'],
  ['a link name', archiveOf(withHeader({ 157: 'x' })), 'tampered'],
  ['something behind the name', archiveOf(withHeader({ 99: 'x' })), 'tampered'],
  ['something behind the prefix', archiveOf(withHeader({ 511: 'x' })), 'tampered'],
  ['GNU with a prefix', archiveOf(FILES.map((entry) => ({ ...entry, header: { 257: 'ustar  \0', 345: 'x' } }))), 'tampered'],
  ['another magic', archiveOf(withHeader({ 257: 'ustar\x0001' })), 'tampered'],
  ['another owner, mode and time', archiveOf(withHeader({ 100: 'anything', 136: 'whatever', 265: 'me', 329: 'x' })), 'complete'],
  ['one block at its end', archiveOf(FILES, 512), 'tampered'],
  ['three blocks at its end', archiveOf(FILES, 1536), 'complete'],
  ['half a block more', archiveOf(FILES, 1280), 'tampered'],
  ['a byte behind its end', Buffer.concat([archiveOf(FILES), Buffer.alloc(511), Buffer.of(1)]), 'tampered'],
  ['nothing in it', archiveOf([]), 'incomplete-tail'],
];

describe('a bundle archive, by both verifiers', () => {
  it.each(CASES)('%s', async (_, archive, verdict) => expect(await judge(archive)).toEqual({ first: verdict, second: verdict }));

  it('as tar makes it', async () => {
    for (const { path, bytes } of FILES) {
      mkdirSync(`${folder}/made/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
      writeFileSync(`${folder}/made/${path}`, bytes);
    }
    const kinds: [string[], string][] = [[['-C', folder, 'made'], 'complete'], [['-C', `${folder}/made`, '.'], 'complete'], [['--format=ustar', '-C', folder, './made'], 'complete'], [['--format=v7', '-C', folder, 'made'], 'tampered'], [['--format=pax', '-C', folder, 'made'], 'tampered']];
    for (const [args, verdict] of kinds) {
      execFileSync('tar', ['-cf', `${folder}/made.tar`, ...args]);
      expect(await judge(readFileSync(`${folder}/made.tar`)), args.join(' ')).toEqual({ first: verdict, second: verdict });
    }
  });

  const seed = Date.now() % 2 ** 31;
  it(`agrees on random bytes of its headers, summed anew (seed ${seed})`, async () => {
    const random = new Random(seed);
    const plain = archiveOf([folderEntry('./x/'), ...below('./x/')]);
    for (let i = 0; i < 150; i += 1) {
      const at = random.below(1024);
      const value = random.pick([0, 32, 46, 47, 48, 53, 55, 65, 255]);
      const edited = Buffer.from(plain);
      edited[at] = value;
      for (const header of [edited.subarray(0, 512), edited.subarray(512, 1024)]) summed(header);
      const { first, second } = await judge(edited);
      expect(second, `seed ${seed}: byte ${at} to ${value}`).toBe(first);
    }
  });
});
