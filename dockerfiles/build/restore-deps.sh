if [ -d /cache/now ]; then
  cp -a /cache/now/deps .
  if [ "$(cat /cache/now/made-by)" = "$({{ made_by }})" ]; then
    mkdir -p {{ build_path | shell }}
    cp -a /cache/now/build/. {{ build_path | shell }}/
  fi
  for directory in deps/* {{ build_path | shell }}/*/lib/*; do
    grep -q "^  \"${directory##*/}\":" {{ lockfile | shell }} || rm -rf "$directory"
  done
fi
