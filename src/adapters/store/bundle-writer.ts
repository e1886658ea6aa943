/**
 * Writes a bundle folder. All files 0600 in a 0700 folder.
 *
 *   K1  whatever the disk refuses is `evidence.unwritable`: the caller ends the cell, it never goes on with less evidence;
 *   K2  after the first `sync` the folder, the keyset and the records so far are on the disk, by name and by content.
 */
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Digest, digestOf, sha256Stream } from '../../base/crypto.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import type { KeptOutput, OutputKeeper, RunBundle } from '../../ports/run-bundle.ts';
import { syncFolder, writeFileAtomic } from '../os/durable-file.ts';
import type { RunFolder } from './state.ts';

/** [K1] */
function written<T>(what: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CellError) throw error;
    throw new CellError('evidence.unwritable', `Cannot ${what} ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at);
}

function outputKeeper(path: string, keptBytesMax: number): OutputKeeper {
  const all = sha256Stream();
  const kept = sha256Stream();
  const fd = written('keep the output of the command in', path, () => openSync(path, 'wx', 0o600));
  let bytes = 0;
  let keptBytes = 0;
  let result: KeptOutput | undefined;
  return {
    write(chunk) {
      all.update(chunk);
      bytes += chunk.byteLength;
      if (keptBytes === keptBytesMax) return;
      const piece = chunk.subarray(0, keptBytesMax - keptBytes);
      written('keep the output of the command in', path, () => writeAll(fd, piece));
      kept.update(piece);
      keptBytes += piece.byteLength;
    },
    finish() {
      if (result === undefined) {
        if (keptBytes > 0) written('keep the output of the command in', path, () => fdatasyncSync(fd));
        closeSync(fd);
        result = { bytes, digest: all.digest(), keptBytes, keptDigest: kept.digest(), truncated: keptBytes < bytes };
      }
      return result;
    },
  };
}

export function createRunBundle(folder: RunFolder, keyset: Uint8Array): RunBundle {
  const { path, records } = folder;
  const recordsHash = sha256Stream();
  const outputs = new Map<string, OutputKeeper>();
  const artifacts = new Map<string, Digest>();
  let begun = false;
  written('write', `${path}/${BUNDLE.keyset}`, () => writeFileAtomic(`${path}/${BUNDLE.keyset}`, keyset, { sync: false }));
  return {
    path,
    append(record) {
      records.append(record);
      recordsHash.update(record);
    },
    sync() {
      if (!begun) {
        written('make durable', path, () => {
          syncFile(`${path}/${BUNDLE.keyset}`);
          for (const folder of [path, dirname(path)]) syncFolder(folder);
        }); // K2
        begun = true;
      }
      records.sync();
    },
    keepOutput(name, keptBytesMax) {
      const existing = outputs.get(name);
      if (existing !== undefined) return existing;
      const keeper = outputKeeper(`${path}/${name}.log`, keptBytesMax);
      outputs.set(name, keeper);
      return keeper;
    },
    async keepArtifact(bytes) {
      written('make', `${path}/artifacts`, () => mkdirSync(`${path}/artifacts`, { recursive: true, mode: 0o700 }));
      const temporary = `${path}/artifacts/part-${artifacts.size}`;
      const hash = sha256Stream();
      let size = 0;
      const fd = written('keep an artifact in', temporary, () => openSync(temporary, 'wx', 0o600));
      try {
        try {
          for await (const chunk of bytes) {
            written('keep an artifact in', temporary, () => writeAll(fd, chunk));
            hash.update(chunk);
            size += chunk.byteLength;
          }
          written('keep an artifact in', temporary, () => fdatasyncSync(fd));
        } finally {
          closeSync(fd);
        }
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      const digest = hash.digest();
      const name = `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`;
      written('keep an artifact in', path, () => renameSync(temporary, `${path}/${name}`));
      artifacts.set(name, digest);
      return { digest, bytes: size, path: `${path}/${name}` };
    },
    async close() {
      const files = new Map<string, Digest>([[BUNDLE.records, recordsHash.digest()], [BUNDLE.keyset, digestOf(keyset)]]);
      for (const [name, keeper] of outputs) files.set(`${name}.log`, keeper.finish().keptDigest);
      for (const [name, digest] of artifacts) files.set(name, digest);
      if (artifacts.size > 0) written('make durable', `${path}/artifacts`, () => syncFolder(`${path}/artifacts`));
      records.sync();
      records.close();
      return files;
    },
    attest: (bytes) => void written('write', `${path}/${BUNDLE.attestation}`, () => writeFileAtomic(`${path}/${BUNDLE.attestation}`, bytes)),
  };
}
