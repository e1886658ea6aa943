/**
 * `cellos-supervisor secret get KEY`: asks the runtime secret socket for one value and prints it, without a line end (reference/03 §9.3). Runs
 * inside cells, so it loads nothing else and looks at no profile.
 */
import { connect } from 'node:net';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import type { Environment } from '../../config/env.ts';
import { LIMITS } from '../../base/limits.ts';

const ANSWER_BYTES_MAX = 16 * LIMITS.secretSizeBytesMax;
const WHY: Readonly<Record<string, string>> = { ENOENT: 'there is none', ECONNREFUSED: 'nobody listens there any more', EACCES: 'it belongs to somebody else' };

const failed = (rule: string, message: string, cause?: unknown): CellError => new CellError('secret.broker', message, { facts: { rule, also: [] }, ...(cause === undefined ? {} : { cause }) });

function variable(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined) throw failed('secret-unset', `${name} is not set: this works inside a run whose secrets are delivered by socket`);
  return value;
}

function ask(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(line));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_BYTES_MAX) socket.destroy(new Error('the answer is too long'));
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}

function secretIn(answer: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch (error) {
    throw failed('secret-no-answer', 'The secret socket gave no answer that can be read', error);
  }
  const { value, error } = typeof parsed === 'object' && parsed !== null ? (parsed as { value?: unknown; error?: unknown }) : {};
  if (typeof error === 'string') throw failed('secret-refused', error);
  if (typeof value !== 'string') throw failed('secret-no-answer', 'The secret socket answered with neither a value nor an error');
  return value;
}

/** @throws CellError `secret.broker` */
export async function getSecret(env: Environment, key: string): Promise<string> {
  const path = variable(env, 'CELLOS_RUNTIME_SECRET_SOCKET');
  const token = variable(env, 'CELLOS_RUNTIME_SECRET_TOKEN');
  let answer: string;
  try {
    answer = await ask(path, `${JSON.stringify({ token, key })}\n`);
  } catch (error) {
    throw failed('secret-unreachable', `Cannot reach the secret socket ${path}: ${WHY[errnoOf(error) ?? ''] ?? messageOf(error)}`, error);
  }
  return secretIn(answer);
}
