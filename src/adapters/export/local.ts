/**
 * Artifacts into a folder of this host: `<root>/<cellId>/<name>`.
 *
 *   V1  never overwrites and never follows a link: not in the file's place, not in the cell's folder;
 *   V2  all of the bytes, durable, or no file: they are written beside the target and linked into place.
 * LIMIT: the root itself may be reached through links; it is the operator's.
 */
import { constants } from 'node:fs';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import type { Random } from '../../ports/clock.ts';
import type { ExportReceipt, ExportSink } from '../../ports/export-sink.ts';
import { toHex } from '../../base/bytes.ts';

/** reference/07: one segment, and nothing a shell would take for a home folder. */
function refusal(cellId: string, name: string): string | undefined {
  if (cellId === '' || /[/\\\0]|\.\./.test(cellId)) return `"${cellId}" is not one folder name`;
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) return 'its name is not one file name';
  return name.startsWith('~') ? 'its name begins with "~"' : undefined;
}

const WHY: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file of this name already; artifacts are never overwritten',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'the folder of the cell is a symlink',
  ENOSPC: 'no space is left',
  EACCES: 'permission denied',
};

async function writeDurably(file: FileHandle, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  let size = 0;
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    await file.writeFile(chunk);
    size += chunk.byteLength;
  }
  await file.sync();
  return size;
}

/** @param root made when it is not there */
export function createLocalExport(root: string, random: Random): ExportSink {
  const deliver = async (cellId: string, name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> => {
    await mkdir(`${root}/${cellId}`, { recursive: true, mode: 0o755 });
    const folder = await open(`${root}/${cellId}`, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW); // V1
    const inside = `/proc/self/fd/${folder.fd}`;
    const part = `${inside}/.part-${toHex(random.bytes(8))}`;
    try {
      const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
      try {
        const size = await writeDurably(file, bytes, signal);
        await link(part, `${inside}/${name}`); // V1, V2: fails when anything has the name
        await rm(part);
        await folder.sync();
        return size;
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    } finally {
      await folder.close();
    }
  };
  return {
    kind: 'local',
    async push({ cellId, name }, bytes, { signal }): Promise<ExportReceipt> {
      const refused = refusal(cellId, name);
      if (refused !== undefined) throw new CellError('export.failed', `Cannot export "${name}" to ${root}: ${refused}`, { facts: { cellId, name } });
      try {
        signal.throwIfAborted();
        return { targetKind: 'local', destination: `${cellId}/${name}`, bytesWritten: await deliver(cellId, name, bytes, signal) };
      } catch (error) {
        const code = errnoOf(error);
        const why = signal.aborted ? 'the caller gave up' : (code === undefined ? undefined : WHY[code]) ?? messageOf(error);
        throw new CellError('export.failed', `Cannot export "${name}" to ${root}/${cellId}: ${why}`, { cause: error, facts: { cellId, name } });
      }
    },
  };
}
