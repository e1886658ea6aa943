/** The overlay a command wrote into instead of the folder it was shown: what changed, and how that comes into the folder. */
import type { WorkspaceChange } from '../core/workspace/changes.ts';

export interface WorkspaceOverlay {
  /** Sorted by path. Read when nothing of the cell writes any more. @throws CellError `workspace.unreadable` */
  changes(): Promise<readonly WorkspaceChange[]>;
  /**
   * Brings the changes into the folder. First everything is checked, then the first byte is written: a folder that has moved on since
   * `changes` is left alone.
   * @throws CellError `workspace.conflict` (nothing was written) | `workspace.failed` (facts say how many were)
   */
  apply(changes: readonly WorkspaceChange[]): void;
}
