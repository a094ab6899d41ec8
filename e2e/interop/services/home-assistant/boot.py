"""Home Assistant with nothing but its API, on 127.0.0.1: its own start listens on every interface.

Usage: boot.py <folder of the configuration> <port>
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

from homeassistant import auth, bootstrap, config_entries, core, loader, setup
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.const import __version__


async def main(folder: str, port: int) -> None:
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    config = {"http": {"server_host": ["127.0.0.1"], "server_port": port}}
    hass.config_entries = config_entries.ConfigEntries(hass, config)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    for component in ["http", "websocket_api", "auth"]:
        if not await setup.async_setup_component(hass, component, config):
            sys.exit(f"Home Assistant did not set up {component}")
    file = Path(folder, "credentials.json")
    if not file.exists():
        file.touch(0o600)
        file.write_text(json.dumps(await credentials(hass.auth, f"http://127.0.0.1:{port}/")))
    await hass.async_start()
    print(f"Home Assistant {__version__} listens", flush=True)
    await asyncio.Event().wait()


async def credentials(manager: auth.AuthManager, client_id: str) -> dict[str, str]:
    """What an app got when its user logged in, and an access token that it got long ago."""
    user = await manager.async_create_user("Ada", group_ids=[GROUP_ID_ADMIN])
    good = await manager.async_create_refresh_token(user, client_id)
    old = await manager.async_create_refresh_token(
        user, client_id, access_token_expiration=timedelta(minutes=-1)
    )
    # Written a second later otherwise, and the server may be killed before that.
    store = manager._store
    await store._store.async_save(store._data_to_save())
    return {
        "clientId": client_id,
        "refreshToken": good.token,
        "expiredAccessToken": manager.async_create_access_token(old),
    }


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
