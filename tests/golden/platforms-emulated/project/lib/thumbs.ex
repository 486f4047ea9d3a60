defmodule Thumbs do
end
