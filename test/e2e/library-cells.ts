/** What the tests of the library share: errors by their code, events of a closed cell. */
import { type Cell, CellError, type CellEvent } from '../../src/index.ts';

export const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof CellError ? error.code : error),
  );

/** The events of a closed cell, as the bundle has them. */
export async function eventsOf(cell: Cell): Promise<CellEvent[]> {
  const events: CellEvent[] = [];
  for await (const event of cell.evidence.events()) events.push(event);
  return events;
}

/** The type without what all types begin with. */
export const short = (event: CellEvent): string => event.type.replace('dev.cellos.events.cell.', '');
