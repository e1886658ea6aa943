/**
 * Artifacts by one PUT each: to an HTTP address, or to a presigned address of an object store (reference/07 §3).
 *
 *   U1  the body of every attempt is the same bytes, counted; an answer of 2xx to all of them is the only success;
 *   U2  tried again, after a fixed time, on 408, 425, 429, 5xx and where the connection fails; a redirection is followed where it asks for the same
 *       again (307, 308) of the same host: artifact and token go to no other than the operator named;
 *   U3  no text tells a credential: neither token nor query nor user of the address; what a server says is cut and cleaned.
 * LIMIT: whether a server replaces what is there is the server's.
 */
import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { rootCertificates } from 'node:tls';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { tellableUrl, urlWithoutQuery } from '../../core/events/redact-query.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ExportReceipt, ExportSink } from '../../ports/export-sink.ts';

export interface UploadOptions {
  readonly url: string;
  readonly bearerToken?: string;
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** PEM file of further root certificates. */
  readonly caFile?: string;
  readonly clock: Clock;
}

type Artifact = Parameters<ExportSink['push']>[0];
type Body = AsyncIterable<Uint8Array>;

const RETRIED: ReadonlySet<number> = new Set([408, 425, 429]);
/** Characters of what a server says that an error quotes. */
const SAID_LENGTH_MAX = 200;
const REDIRECTIONS: ReadonlySet<number> = new Set([307, 308]);
/** In one attempt. */
const REDIRECTIONS_MAX = 5;

interface Refused {
  readonly why: string;
  readonly again: boolean;
  /** U2: where the server wants it. */
  readonly instead?: string;
}

function nameRefused({ cellId, name }: Artifact): boolean {
  return [cellId, name].some((part) => part === '' || part === '.' || part === '..' || /[/\\\0]/.test(part) || part.startsWith('~'));
}

/** Placeholders are filled in; an address with a query is taken as it is; else the artifact has a path of its own. */
export function uploadUrl(base: string, kind: 'http' | 's3', { cellId, name }: { cellId: string; name: string }): string {
  const address = kind === 'http' ? base.trim().replace(/[/\\]+$/, '') : base.trim();
  const file = name.replace(/[/\\]/g, '_');
  if (address.includes('{cell_id}') || address.includes('{artifact_name}')) return address.replaceAll('{cell_id}', cellId).replaceAll('{artifact_name}', file);
  return kind === 's3' || address.includes('?') ? address : `${address}/${cellId}/${file}`;
}

function rootsOf(caFile: string | undefined): { ca?: string[] } {
  if (caFile === undefined) return {};
  try {
    const pem = readFileSync(caFile, 'utf8');
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate');
    return { ca: [...rootCertificates, pem] };
  } catch (error) {
    throw new CellError('config.invalid', `Cannot use CELLOS_CA_BUNDLE ${caFile}: ${errnoOf(error) ?? messageOf(error)}`, { cause: error });
  }
}

/** The beginning of what a server answered, in one line of printable text. */
async function said(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length > SAID_LENGTH_MAX) break;
  }
  return text.slice(0, SAID_LENGTH_MAX).replace(/[\p{C}\s]+/gu, ' ').trim();
}

async function collected(bytes: Body): Promise<{ body: Body; size: number }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > LIMITS.uploadCollectedBytesMax) throw new Error(`it has more than ${LIMITS.uploadCollectedBytesMax} bytes, and its size was not known before`);
    parts.push(Uint8Array.from(chunk));
  }
  return { size, body: { [Symbol.asyncIterator]: () => parts[Symbol.iterator]() as unknown as AsyncIterator<Uint8Array> } };
}

/** U2 @returns undefined when it is not followed */
function redirection(url: string, { statusCode, headers: { location } }: IncomingMessage): string | undefined {
  if (!REDIRECTIONS.has(statusCode ?? 0) || location === undefined || !URL.canParse(location, url)) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin ? target.href : undefined;
}

/** U1 */
async function send(out: ClientRequest, body: Body, size: number): Promise<void> {
  let sent = 0;
  for await (const chunk of body) {
    sent += chunk.byteLength;
    if (sent > size) break;
    if (!out.write(chunk)) await new Promise<void>((resolve) => out.once('drain', resolve).once('close', resolve));
  }
  if (sent !== size) throw new Error(`it has not ${size} bytes any more`);
  out.end();
}

function put(url: string, artifact: Artifact, body: Body, size: number, options: UploadOptions & { ca?: string[] }, signal: AbortSignal): Promise<Refused | undefined> {
  const headers = { accept: '*/*', 'content-length': String(size), ...(options.bearerToken === undefined ? {} : { authorization: `Bearer ${options.bearerToken}` }), ...(artifact.contentType === undefined ? {} : { 'content-type': artifact.contentType }) };
  const tls = options.ca === undefined ? {} : { ca: options.ca };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
  return new Promise((resolve, reject) => {
    const out = (url.startsWith('https:') ? requestHttps : requestHttp)(url, { method: 'PUT', headers, signal: limit, agent: false, ...tls });
    const connecting = options.clock.after(options.connectTimeoutMs, () => out.destroy(new Error('no connection in time')));
    const failed = (error: Error): void => {
      connecting[Symbol.dispose]();
      if (signal.aborted) reject(error);
      else resolve({ why: limit.aborted ? `no answer within ${options.timeoutMs} ms` : (errnoOf(error) ?? 'the connection failed'), again: true });
    };
    out.on('socket', (socket) => socket.once('connect', () => connecting[Symbol.dispose]()));
    out.on('error', failed);
    out.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const again = RETRIED.has(status) || status >= 500;
      const instead = redirection(url, response);
      said(response).then((text) => resolve(status >= 200 && status < 300 ? undefined : { why: `the server answered ${status} ${response.statusMessage ?? ''}`.trimEnd() + (text === '' ? '' : `: ${JSON.stringify(text)}`), again, ...(instead === undefined ? {} : { instead }) }), failed);
    });
    send(out, body, size).catch((error: Error) => {
      reject(error);
      out.destroy();
    });
  });
}

/** One attempt. */
async function putFollowing(url: string, artifact: Artifact, { body, size }: { body: Body; size: number }, options: UploadOptions & { ca?: string[] }, signal: AbortSignal): Promise<Refused | undefined> {
  let refused = await put(url, artifact, body, size, options, signal);
  for (let followed = 0; refused?.instead !== undefined && followed < REDIRECTIONS_MAX; followed += 1) refused = await put(refused.instead, artifact, body, size, options, signal);
  return refused;
}

async function upload(url: string, artifact: Artifact, bytes: Body, options: UploadOptions & { ca?: string[] }, signal: AbortSignal): Promise<number> {
  const { body, size } = artifact.sizeBytes === undefined ? await collected(bytes) : { body: bytes, size: artifact.sizeBytes };
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    const refused = await putFollowing(url, artifact, { body, size }, options, signal);
    if (refused === undefined) return size;
    if (!refused.again || attempt >= options.attemptsMax) throw new Error(attempt > 1 ? `${refused.why}, in attempt ${attempt}` : refused.why);
    await new Promise<void>((resolve) => options.clock.after(options.backoffMs, resolve)); // U2
  }
}

interface Place {
  readonly kind: 'http' | 's3';
  readonly targetName?: string;
  /** As receipts tell it. */
  readonly destination: (artifact: { cellId: string; name: string }) => string;
}

function createUpload(options: UploadOptions, place: Place): ExportSink {
  const full = { ...options, ...rootsOf(options.caFile) };
  return {
    kind: place.kind,
    async push(artifact, bytes, { signal }): Promise<ExportReceipt> {
      const url = uploadUrl(options.url, place.kind, artifact);
      const failed = (why: string, cause?: unknown): CellError => new CellError('export.failed', `Cannot upload "${artifact.name}" to ${urlWithoutQuery(url)}: ${why}`, { facts: { name: artifact.name }, ...(cause === undefined ? {} : { cause }) }); // U3
      if (nameRefused(artifact)) throw failed('its name is not one file name');
      if (artifact.contentType !== undefined && !/^[\t\u0020-\u007e]*$/.test(artifact.contentType)) throw failed('its content type holds a character that no header can carry');
      try {
        const bytesWritten = await upload(url, artifact, bytes, full, signal);
        return { targetKind: place.kind, ...(place.targetName === undefined ? {} : { targetName: place.targetName }), destination: place.destination(artifact), bytesWritten };
      } catch (error) {
        throw failed(signal.aborted ? 'the caller gave up' : messageOf(error), error);
      }
    },
  };
}

/** @throws CellError `config.invalid` for certificates that cannot be read */
export function createHttpExport(options: UploadOptions): ExportSink {
  return createUpload(options, { kind: 'http', destination: (artifact) => tellableUrl(uploadUrl(options.url, 'http', artifact)) });
}

/** @throws CellError `config.invalid` for certificates that cannot be read */
export function createS3Export(options: UploadOptions, target: { readonly name: string; readonly bucket: string; readonly keyPrefix?: string }): ExportSink {
  return createUpload(options, { kind: 's3', targetName: target.name, destination: ({ name }) => s3Destination(target, name) });
}

export function s3Destination(target: { readonly bucket: string; readonly keyPrefix?: string }, name: string): string {
  const prefix = (target.keyPrefix ?? '').replace(/^\/+|\/+$/g, '');
  return `s3://${target.bucket}/${prefix === '' ? '' : `${prefix}/`}${name}`;
}
