import Config

import_config "../../wire/config/shared.exs"
