import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../base/limits.ts';
import { type CommandInfo, parseCommandArgs } from './command.ts';
import { COMMANDS } from './commands.ts';
import { documentOf } from './spec-request.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-spec-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = COMMANDS.find((command) => command.name === 'plan') as CommandInfo;
const read = (path: string) => documentOf(parseCommandArgs(plan, [path]), path);
const unreadable = (why: string) => ({ code: 'spec.unreadable', message: expect.stringContaining(why) });

describe('documentOf()', () => {
  it('says why a document cannot be read', async () => {
    await expect(read(`${folder}/nowhere`)).rejects.toMatchObject(unreadable('it does not exist; to run a command, put -- before it'));
    await expect(read(folder)).rejects.toMatchObject(unreadable('it is a folder'));
    writeFileSync(`${folder}/file`, '');
    await expect(read(`${folder}/file/beneath`)).rejects.toMatchObject(unreadable('ENOTDIR'));
  });

  it('reads no more than a document may have, however much there is', async () => {
    await expect(read('/dev/zero')).rejects.toMatchObject(unreadable(`more than ${LIMITS.documentSizeBytesMax} bytes`));
    writeFileSync(`${folder}/full.json`, '');
    truncateSync(`${folder}/full.json`, LIMITS.documentSizeBytesMax);
    await expect(read(`${folder}/full.json`)).rejects.toMatchObject({ code: 'spec.invalid' });
  });

  it.each(['ttl=5s', 'secret-delivery=env', 'export=a=b'])('refuses --%s: the document decides', async (option) => {
    const path = `${folder}/whole.json`;
    writeFileSync(path, JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'x', authority: {}, lifetime: { ttlSeconds: 60 }, run: { argv: ['true'] } } }));
    await expect(documentOf(parseCommandArgs(plan, [`--${option}`, path]), path)).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});
