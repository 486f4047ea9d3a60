import Config

import_config "../../protocol/config/shared.exs"
