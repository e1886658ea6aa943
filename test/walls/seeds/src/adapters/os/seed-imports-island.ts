// breaks arrows: os-is-the-floor
import { StateFolder } from '../store/state.ts';
export const Folder = StateFolder;
