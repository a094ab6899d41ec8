import { errorPages, errorsFile } from '../.vitepress/errors.mjs';

export default { watch: [errorsFile], paths: errorPages };
