// breaks arrows: islands
import { StateFolder } from '../store/state.ts';
export const Folder = StateFolder;
