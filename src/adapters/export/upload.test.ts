import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { exportSinkContract } from '../../testing/contracts/export-sink.ts';
import { systemClock } from '../os/clock.ts';
import { createHttpExport, createS3Export, s3Destination, type UploadOptions, uploadUrl } from './upload.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Seen {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Keeps what was sent whole, once for each path, as a careful store does. */
async function store(statuses: number[] = [], location = '/elsewhere'): Promise<{ base: string; kept: Map<string, string>; seen: Seen[] }> {
  const kept = new Map<string, string>();
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void parts.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const body = Buffer.concat(parts).toString();
      seen.push({ path, headers: request.headers, body });
      const status = statuses.shift() ?? (kept.has(path) ? 409 : 201);
      if (status === 201) kept.set(path, body);
      response.writeHead(status, status > 300 && status < 309 ? { location } : {}).end('said\u0000 by the server');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, kept, seen };
}

const options = (url: string, more: Partial<UploadOptions> = {}): UploadOptions => ({ url, attemptsMax: 1, backoffMs: 0, timeoutMs: 10_000, connectTimeoutMs: 10_000, clock: systemClock, ...more });
async function* body(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
const never = new AbortController().signal;
const push = (sink: ReturnType<typeof createHttpExport>, text = 'hi', name = 'a') => sink.push({ cellId: 'c', name }, body(text), { signal: never });

describe('an upload keeps the contract of an export sink', () => {
  for (const [at, { name }] of exportSinkContract(() => ({ sink: createHttpExport(options('http://127.0.0.1:1')), delivered: async () => ({}) })).entries()) {
    it(name, async () => {
      const { base, kept } = await store();
      const delivered = async () => Object.fromEntries([...kept].map(([path, text]) => [`${base}${path}`, text]));
      await exportSinkContract(() => ({ sink: createHttpExport(options(base)), delivered }))[at]?.run();
    });
  }
});

describe('createHttpExport()', () => {
  it('sends what was asked, and nothing else', async () => {
    const { base, seen } = await store();
    const sink = createHttpExport(options(`${base}/up/`, { bearerToken: 'tok' }));
    expect(await sink.push({ cellId: 'c', name: 'a', contentType: 'text/plain' }, body('hi'), { signal: never })).toEqual({ targetKind: 'http', destination: `${base}/up/c/a`, bytesWritten: 2 });
    expect(seen[0]).toMatchObject({ path: '/up/c/a', body: 'hi', headers: { authorization: 'Bearer tok', 'content-type': 'text/plain', 'content-length': '2' } });
    expect(seen[0]?.headers['user-agent']).toBeUndefined();
  });

  it('tries again on what may pass, with the same bytes, and no more often than it may [U2]', async () => {
    for (const status of [408, 425, 429, 500, 503]) {
      const { base, seen } = await store([status, status]);
      await expect(push(createHttpExport(options(base, { attemptsMax: 2 })))).rejects.toThrow(`${status}`);
      await push(createHttpExport(options(base, { attemptsMax: 2 })));
      expect(seen.map(({ body: sent }) => sent)).toEqual(['hi', 'hi', 'hi']);
    }
    for (const status of [301, 302, 303, 304, 400, 404]) {
      const { base, seen } = await store([status]);
      await expect(push(createHttpExport(options(base, { attemptsMax: 5 })))).rejects.toMatchObject({ code: 'export.failed' });
      expect(seen).toHaveLength(1);
    }
  });

  it('follows a redirection that asks for the same of the same host, and none to another, nor for ever [U2]', async () => {
    const { base, seen } = await store([308, 307]);
    await push(createHttpExport(options(`${base}/o?X-Sig=SECRET`, { bearerToken: 'tok' })));
    expect(seen.map(({ path, headers, body: sent }) => [path, headers['authorization'], headers['referer'], sent])).toEqual([
      ['/o?X-Sig=SECRET', 'Bearer tok', undefined, 'hi'],
      ['/elsewhere', 'Bearer tok', undefined, 'hi'],
      ['/elsewhere', 'Bearer tok', undefined, 'hi'],
    ]);
    const other = await store();
    const away = await store([307], `${other.base}/x`);
    await expect(push(createHttpExport(options(away.base)))).rejects.toThrow('307');
    expect(other.seen).toEqual([]);
    const round = await store(Array.from({ length: 50 }, () => 307));
    await expect(push(createHttpExport(options(round.base)))).rejects.toThrow('307');
    expect(round.seen).toHaveLength(6);
  });

  it('reads a body of known size again for every attempt, and refuses one that has changed [U1]', async () => {
    const { base, seen } = await store([500]);
    const again = { [Symbol.asyncIterator]: () => body('hello') };
    const sink = createHttpExport(options(base, { attemptsMax: 2 }));
    await sink.push({ cellId: 'c', name: 'a', sizeBytes: 5 }, again, { signal: never });
    expect(seen.map(({ body: sent }) => sent)).toEqual(['hello', 'hello']);
    await expect(sink.push({ cellId: 'c', name: 'b', sizeBytes: 4 }, again, { signal: never })).rejects.toMatchObject({ code: 'export.failed' });
  });

  it('tells no credential, whatever goes wrong [U3]', async () => {
    const { base } = await store([500]);
    const secret = (url: string): string => `${url.replace('://', '://u:pw-SECRET@')}/o?X-Amz-Signature=SECRET`;
    for (const url of [secret(base), secret('http://127.0.0.1:1')]) {
      const error = await push(createHttpExport(options(url, { bearerToken: 'SECRET' }))).catch((caught: unknown) => String(caught));
      expect(error).toContain('Cannot upload "a"');
      expect(error).not.toContain('SECRET');
    }
    const { destination } = await push(createHttpExport(options(secret(base))), 'x', 'b');
    expect(destination).toBe(`${base}/o?X-Amz-Signature=<redacted>`);
  });
});

describe('createS3Export()', () => {
  it('puts to the address as it is, and tells bucket and key', async () => {
    const { base, seen } = await store();
    expect(await push(createS3Export(options(`${base}/o?X-Amz-Signature=s`), { name: 't', bucket: 'b', keyPrefix: '/k/p/' }))).toEqual({ targetKind: 's3', targetName: 't', destination: 's3://b/k/p/a', bytesWritten: 2 });
    expect(seen[0]?.path).toBe('/o?X-Amz-Signature=s');
    expect(s3Destination({ bucket: 'b', keyPrefix: '///' }, 'a')).toBe('s3://b/a');
  });
});

describe('uploadUrl()', () => {
  it('fills in placeholders, else takes a query as it is, else adds a path', () => {
    const at = { cellId: 'c', name: 'a' };
    expect(uploadUrl('https://x/{cell_id}/{artifact_name}?k={cell_id}', 'http', at)).toBe('https://x/c/a?k=c');
    expect(uploadUrl('https://x/o?sig=1/', 'http', at)).toBe('https://x/o?sig=1');
    expect(uploadUrl('https://x/up//', 'http', { cellId: 'c', name: 'd/e\\f' })).toBe('https://x/up/c/d_e_f');
    expect(uploadUrl(' https://x/o/ ', 's3', at)).toBe('https://x/o/');
  });
});
