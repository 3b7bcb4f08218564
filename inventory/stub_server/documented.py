"""The body that LM Studio's documentation shows."""

DOCUMENTED = b"""{
  "models": [
    {
      "type": "llm",
      "publisher": "google",
      "key": "google/gemma-4-26b-a4b",
      "display_name": "Gemma 4 26B A4B",
      "architecture": "gemma4",
      "quantization": {
        "name": "Q4_K_M",
        "bits_per_weight": 4
      },
      "size_bytes": 17990911801,
      "params_string": "26B-A4B",
      "loaded_instances": [
        {
          "id": "google/gemma-4-26b-a4b",
          "config": {
            "context_length": 4096,
            "eval_batch_size": 512,
            "parallel": 4,
            "flash_attention": true,
            "num_experts": 8,
            "offload_kv_cache_to_gpu": true
          }
        }
      ],
      "max_context_length": 262144,
      "format": "gguf",
      "capabilities": {
        "vision": true,
        "trained_for_tool_use": true,
        "reasoning": {
          "allowed_options": [
            "off",
            "on"
          ],
          "default": "on"
        }
      },
      "description": null,
      "variants": [
        "google/gemma-4-26b-a4b@q4_k_m"
      ],
      "selected_variant": "google/gemma-4-26b-a4b@q4_k_m"
    },
    {
      "type": "llm",
      "publisher": "deepseek",
      "key": "deepseek-r1",
      "display_name": "DeepSeek R1",
      "architecture": "deepseek",
      "quantization": {
        "name": "Q4_K_M",
        "bits_per_weight": 4
      },
      "size_bytes": 40492610355,
      "params_string": "671B",
      "loaded_instances": [],
      "max_context_length": 131072,
      "format": "gguf",
      "capabilities": {
        "vision": false,
        "trained_for_tool_use": true,
        "reasoning": {
          "allowed_options": [
            "on"
          ],
          "default": "on"
        }
      },
      "description": null
    },
    {
      "type": "embedding",
      "publisher": "gaianet",
      "key": "text-embedding-nomic-embed-text-v1.5-embedding",
      "display_name": "Nomic Embed Text v1.5",
      "quantization": {
        "name": "F16",
        "bits_per_weight": 16
      },
      "size_bytes": 274290560,
      "params_string": null,
      "loaded_instances": [],
      "max_context_length": 2048,
      "format": "gguf"
    }
  ]
}
"""
"""The body in LM Studio's documentation of ``GET /api/v1/models`` (April 2026)."""
