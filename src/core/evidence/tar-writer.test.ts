import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, concatBytes, utf8 } from '../../base/bytes.ts';
import { indexTar } from './tar.ts';
import { TAR_END, tarHeader, tarPadding } from './tar-writer.ts';

function archive(files: ReadonlyMap<string, Bytes>): Bytes {
  return concatBytes([...[...files].flatMap(([path, content]) => [tarHeader(path, content.byteLength), content, tarPadding(content.byteLength)]), TAR_END]);
}

const indexed = (bytes: Bytes) => indexTar({ size: bytes.byteLength, read: (offset, size) => bytes.subarray(offset, offset + size) });

describe('tarHeader()', () => {
  it('makes archives that are read as what they were made of', () => {
    const name = fc.stringMatching(/^[0-9a-z._-]{1,60}$/).filter((text) => !/^\.+$/.test(text));
    const file = fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => ['top', ...parts].join('/')), fc.uint8Array({ maxLength: 1100 }));
    fc.assert(
      fc.property(fc.uniqueArray(file, { minLength: 1, maxLength: 6, selector: ([path]) => path }), (files) => {
        const bytes = archive(new Map(files));
        const index = indexed(bytes);
        expect([...index.keys()].map((path) => `top/${path}`)).toEqual(files.map(([path]) => path));
        for (const [path, content] of files) {
          const { offset, size } = index.get(path.slice('top/'.length)) ?? expect.fail(path);
          expect(bytes.slice(offset, offset + size)).toEqual(content);
        }
      }),
    );
  });

  it('divides the longest path that a bundle has, and refuses what no header holds', () => {
    const path = `01m88a7p00000000000000000/artifacts/${'a'.repeat(64)}`;
    expect([...indexed(archive(new Map([[path, utf8('x')]]))).keys()]).toEqual([`artifacts/${'a'.repeat(64)}`]);
    for (const [bad, size] of [['a'.repeat(101), 0], [`${'a'.repeat(156)}/b`, 0], ['a', 8 ** 11]] as const) expect(() => tarHeader(bad, size)).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
    expect(tarHeader('a', 8 ** 11 - 1).byteLength).toBe(512);
  });
});
