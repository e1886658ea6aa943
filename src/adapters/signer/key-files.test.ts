import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { isCellError } from '../../base/errors.ts';
import { signerContract } from '../../testing/contracts/signer.ts';
import { fakeRandom } from '../../testing/index.ts';
import { hasKeyFile, keysetPath, readKeyFile, readKeys } from './key-files.ts';
import { keepKeyset, makeKey, makeKeys, readRoot, replaceKeys, rootFiles, tidyKeysets } from './key-making.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-keys-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let seed = 0;
const make = (name: string, options: { roots?: number; rootFolder?: string } = {}) => {
  seed += 1;
  return makeKeys(`${root}/${name}`, { random: fakeRandom(seed), roots: 1, threshold: 1, ...options, makeKeyset: () => utf8('{}'), keysetFile: ([only]) => utf8(`[${new TextDecoder().decode(only)}]`) });
};
const load = (name = 'keys') => {
  if (!hasKeyFile(`${root}/${name}`)) make(name);
  return readKeys(`${root}/${name}`);
};

const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return 'no error';
  } catch (error) {
    return isCellError(error) ? error.code : error;
  }
};

for (const which of ['event', 'checkpoint', 'bundle'] as const) {
  describe(`the ${which} key on disk keeps the contract of a signer`, () => {
    for (const { name, run } of signerContract(() => load()[which])) it(name, run);
  });
}
describe('a root key in its file keeps the contract of a signer', () => {
  const place = `${root}/with-root`;
  make('with-root');
  for (const { name, run } of signerContract(() => readRoot(rootFiles([place])[0] ?? ''))) it(name, run);
});

describe('readKeys()', () => {
  it('refuses keys others can read, and damaged ones [F1]', () => {
    load('open');
    chmodSync(`${root}/open/keys.json`, 0o644);
    expect(codeOf(() => load('open'))).toBe('signer.unavailable');
    load('damaged');
    const good = JSON.parse(readFileSync(`${root}/damaged/keys.json`, 'utf8'));
    const damaged = [{ roots: [] }, { keys: {} }, { keys: null }, { active: { event: 'x' } }, { active: null }, { keyset: 1 }, { epoch: 'x' }, { threshold: null }, { roots: ['*'] }, { keyset: '*' }, { v: 1 }, { v: 'x' }].map((change) => JSON.stringify({ ...good, ...change }));
    for (const text of ['', '{', '1', 'null', '{"v":1}', '{"v":2,"root":"","event":"","bundle":"","keyset":""}', ...damaged]) {
      writeFileSync(`${root}/damaged/keys.json`, text);
      expect(codeOf(() => load('damaged')), text).toBe('signer.unavailable');
    }
    writeFileSync(`${root}/damaged/keys.json`, '{"v":1}');
    expect(() => load('damaged')).toThrow(/of version 1, and this program writes 2/);
  });

  it('refuses keys that are older than the newest keyset: they were put back [F4]', () => {
    load('old');
    const old = readFileSync(`${root}/old/keys.json`);
    const { v, ...file } = readKeyFile(`${root}/old`);
    expect(v).toBe(2);
    replaceKeys(`${root}/old`, { ...file, epoch: 2 }, utf8('{"n":2}'));
    expect(load('old').epoch).toBe(2);
    writeFileSync(`${root}/old/keys.json`, old);
    expect(codeOf(() => load('old'))).toBe('signer.unavailable');
    expect(() => load('old')).toThrow(/old keys were put back/);
  });
});

describe('makeKeys()', () => {
  it('puts root keys where they are asked for, each in a file of its own, and none into the file a run reads [F3] [M2]', () => {
    const files = make('online', { roots: 3, rootFolder: `${root}/stick` });
    expect(files).toHaveLength(3);
    expect(rootFiles([`${root}/stick`]).sort()).toEqual([...(files ?? [])].sort());
    expect(readdirSync(`${root}/online`).sort()).toEqual(['keys.json', 'keysets']);
    const text = readFileSync(`${root}/online/keys.json`, 'utf8');
    for (const path of files ?? []) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(text).not.toContain(JSON.parse(readFileSync(path, 'utf8')).private);
      expect(load('online').roots.map((one) => one.kid)).toContain(readRoot(path).kid);
    }
    expect(Object.keys(readKeyFile(`${root}/online`).keys)).toHaveLength(3);
    expect(readFileSync(keysetPath(`${root}/online`, 1), 'utf8')).toBe('{}');
  });

  it('keeps the keys that are there, and takes the root key of the loser back [M1]', () => {
    const before = load('twice').event.kid;
    const roots = rootFiles([`${root}/twice`]);
    expect(make('twice')).toBeUndefined();
    expect(load('twice').event.kid).toBe(before);
    expect(rootFiles([`${root}/twice`])).toEqual(roots);
    // Another start makes them while this one is at it.
    const late = (): Uint8Array => {
      make('raced');
      return utf8('{}');
    };
    expect(makeKeys(`${root}/raced`, { random: fakeRandom(99), roots: 2, threshold: 1, makeKeyset: late, keysetFile: () => utf8('[]') })).toBeUndefined();
    expect(rootFiles([`${root}/raced`]).map((path) => readRoot(path).kid)).toEqual([load('raced').root.kid]);
  });

  it('refuses a place for root keys that others can look into', () => {
    mkdirSync(`${root}/shared`, { mode: 0o755 });
    chmodSync(`${root}/shared`, 0o755);
    expect(codeOf(() => make('refused', { rootFolder: `${root}/shared` }))).toBe('state.unusable');
    expect(existsSync(`${root}/refused/keys.json`)).toBe(false);
  });
});

describe('keepKeyset()', () => {
  it('writes once, and never another one in its place [M3]', () => {
    load('chain');
    keepKeyset(`${root}/chain`, 2, utf8('{"n":2}'));
    keepKeyset(`${root}/chain`, 2, utf8('{"n":2}'));
    expect(codeOf(() => keepKeyset(`${root}/chain`, 2, utf8('{"n":3}')))).toBe('signer.unavailable');
    expect(readFileSync(keysetPath(`${root}/chain`, 2), 'utf8')).toBe('{"n":2}');
  });
});

describe('tidyKeysets()', () => {
  it('removes what a program that is gone left half written, and nothing else', () => {
    load('half');
    for (const name of ['000002.json.4194305.1.part', `000002.json.${process.pid}.1.part`, 'notes']) writeFileSync(`${root}/half/keysets/${name}`, 'half');
    tidyKeysets(`${root}/half`);
    expect(readdirSync(`${root}/half/keysets`).sort()).toEqual(['000001.json', `000002.json.${process.pid}.1.part`, 'notes']);
    tidyKeysets(`${root}/nowhere`);
  });
});

describe('root files', () => {
  it('are found by their names in a folder, and refused when they hold something else', () => {
    load('look');
    expect(rootFiles([`${root}/look`, `${root}/look/keys.json`])).toHaveLength(2);
    expect(codeOf(() => readRoot(`${root}/look/keys.json`))).toBe('signer.unavailable');
    expect(codeOf(() => rootFiles([`${root}/nowhere`]))).toBe('usage.invalid');
  });

  it('and keys of either kind have an id that is made of the key', () => {
    const key = makeKey('ecdsa-p256-sha256', fakeRandom());
    expect(key.kid).toMatch(/^p256:[0-9a-f]{16}$/);
    expect(makeKey('ed25519', fakeRandom()).kid).toMatch(/^ed25519:[0-9a-f]{16}$/);
  });
});
